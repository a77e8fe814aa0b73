"""Random streams, keyed by what they are for.

1. A stream is a pure function of (seed, purpose, counters): who draws from it, and when, does not matter.
2. Philox-4x64 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the key is
   (seed, purpose), the upper three counter words are the caller's, the lowest counts the draws.
"""

import numpy as np

INITIALIZER, ORDER, LAYER, SPLIT, TALLY, TRANSFORM, BALANCE, GAME, ACTION, CONTEST = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10  # purposes


def bits(seed: int, purpose: int, a: int = 0, b: int = 0, c: int = 0) -> np.random.Philox:
    """The raw stream; its 64-bit words are the same in every NumPy release."""
    key = np.array([seed, purpose], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, a, b, c], np.uint64))


def stream(seed: int, purpose: int, a: int = 0, b: int = 0, c: int = 0) -> np.random.Generator:
    """The same as a generator of floats."""
    return np.random.Generator(bits(seed, purpose, a, b, c))


def permutation(length: int, seed: int, purpose: int, a: int = 0, b: int = 0, c: int = 0) -> np.ndarray:
    """0 … length−1 in an order that only (seed, purpose, a, b, c) decide; int64.

    By sorting random words, since NumPy's own shuffles may change between releases. The lowest bits of each are its place:
    so no two are equal, and there is nothing to look up behind the sort.
    """
    words, places = bits(seed, purpose, a, b, c).random_raw(length), np.arange(length, dtype=np.uint64)
    low = np.uint64((1 << max(length - 1, 0).bit_length()) - 1)
    words &= ~low
    words |= places
    words.sort()
    return (words & low).astype(np.int64)
