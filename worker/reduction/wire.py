"""How float32 numbers are written in messages between nodes: as they are, or in two bytes each.

1. Rounding is to nearest, ties to even; it is done here on the bits, which is several times faster than NumPy's
   float16 and the same for both formats: add half of what is cut off, then cut.
2. What is not finite arrives as not finite, so that a diverging training is noticed all the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

BLOCK = 1 << 14  # numbers converted at a time: what stays in the cache
GROUP = 256  # numbers that share one scale
NOT_FINITE = -126  # as a group's exponent; of numbers it is at least −113
HALF_BIAS = np.float32(2.0**-112)  # between the exponents of a float32 and of a half


class Wire(ABC):
    """`dtype`: of a message."""

    dtype: type

    def length(self, numbers: int) -> int:
        """Of the message that holds so many numbers."""
        return numbers

    @abstractmethod
    def encode(self, values: np.ndarray) -> np.ndarray:
        """The message of these numbers: float32 (n,) → dtype (length(n),)."""

    @abstractmethod
    def decode(self, message: np.ndarray, numbers: int) -> np.ndarray:
        """The other way round, for that many numbers."""


class Float32(Wire):
    dtype = np.float32

    def encode(self, values):
        return values

    def decode(self, message, numbers):
        return message


class BFloat16(Wire):
    """The upper half of a float32: its range, 8 bits of precision."""

    dtype = np.uint16

    def encode(self, values):
        message = np.empty(len(values), self.dtype)
        for start in range(0, len(values), BLOCK):
            block, written = values[start:start + BLOCK], message[start:start + BLOCK]
            written[...] = _without(16, block.view(np.uint32))
            odd = np.isnan(block)
            if odd.any():  # the carry may have made anything of them
                written[odd] = 0x7FC0
        return message

    def decode(self, message, numbers):
        bits = message.astype(np.uint32)
        bits <<= 16
        return bits.view(np.float32)


class Float16(Wire):
    """IEEE half precision, 11 bits. Each group of numbers is scaled by a power of two that brings its largest just
    below 2¹⁵: sums over a batch never overflow, and what is 2³⁹ times smaller is still there. The exponents of the
    scales come first. A group with a number that is not finite arrives as not a number."""

    dtype = np.uint16

    def length(self, numbers):
        return -(-numbers // GROUP) + numbers

    def encode(self, values):
        message = np.empty(self.length(len(values)), self.dtype)
        for exponents, numbers, halves in _groups(values, message):
            scaled = np.abs(numbers)
            largest = scaled.max(axis=1)
            exponents[...] = np.where(np.isfinite(largest), np.minimum(15 - np.frexp(largest)[1], 126), NOT_FINITE)
            np.multiply(numbers, _powers(exponents), out=scaled)
            scaled *= HALF_BIAS  # now the exponent's bits are those of the half, also where that is subnormal
            bits = _without(13, scaled.view(np.uint32))
            halves[...] = bits & 0x7FFF | bits >> 3 & 0x8000
        return message

    def decode(self, message, numbers):
        values = np.empty(numbers, np.float32)
        for exponents, block, halves in _groups(values, message):
            wide = halves.astype(np.uint32)
            np.bitwise_or((wide & 0x7FFF) << 13, (wide & 0x8000) << 16, out=block.view(np.uint32))
            block *= 1 / HALF_BIAS
            block *= np.where(exponents[:, None] == NOT_FINITE, np.float32(np.nan), _powers(-exponents))
        return values


def _without(low: int, bits: np.ndarray) -> np.ndarray:
    """`bits` without the `low` lowest ones, rounded."""
    rounded = bits >> low
    rounded &= 1
    rounded += (1 << (low - 1)) - 1
    rounded += bits
    rounded >>= low
    return rounded


def _groups(values: np.ndarray, message: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(exponents (k,), values (k, n), halves (k, n)) of some groups at a time; the last one may be shorter."""
    count = len(message) - len(values)
    exponents, halves = message[:count].view(np.int16), message[count:]
    whole = len(values) // GROUP * GROUP
    for start, stop in [*pairwise([*range(0, whole, BLOCK), whole]), (whole, len(values))]:
        if start < stop:
            width = min(GROUP, stop - start)
            yield (exponents[start // GROUP:-(-stop // GROUP)], values[start:stop].reshape(-1, width), halves[start:stop].reshape(-1, width))


def _powers(exponents: np.ndarray) -> np.ndarray:
    """2^exponent, a column of float32."""
    return np.ldexp(np.float32(1), exponents)[:, None]


WIRES = {"float32": Float32, "float16": Float16, "bfloat16": BFloat16}
