"""Random streams, keyed by what they are for: who draws, and when, does not matter."""

import inspect

import numpy as np
import pytest

from bpcore import rng

MASK = 2**64 - 1


def philox(counter, key):
    """One block of Philox-4x64-10 in plain integers, after Salmon et al. (2011), section 3.3 and figure 3."""
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        left, right = x0 * 0xD2E7470EE14C6C93, x2 * 0xCA5A826395121157
        x0, x1, x2, x3 = (right >> 64) ^ x1 ^ k0, right & MASK, (left >> 64) ^ x3 ^ k1, left & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [x0, x1, x2, x3]


def words(*key, n=4):
    return [int(word) for word in rng.bits(*key).random_raw(n)]


def test_the_reference_above_gives_the_papers_known_answer():
    """From the authors' kat_vectors (Random123): philox4x64, 10 rounds, counter and key zero."""
    answer = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox((0, 0, 0, 0), (0, 0)) == answer


@pytest.mark.parametrize("key", [(0, 1), (7, rng.LAYER, 5, 3, 2), (2**64 - 1, rng.ORDER, 2**40)], ids=str)
def test_a_stream_is_philox_keyed_by_seed_and_purpose(key):
    seed, purpose, *counters = key
    a, b, c = (*counters, 0, 0, 0)[:3]
    blocks = [philox((i, a, b, c), (seed, purpose)) for i in (1, 2)]  # NumPy counts up before the first block
    assert words(*key, n=8) == blocks[0] + blocks[1]


def test_the_first_words_are_pinned():
    """Written down from this code, for the reference above to agree with: a change here changes every curve."""
    assert words(7, rng.INITIALIZER) == [0xE1E9589FBF7F6F1D, 0x5E794BDA66C92F56, 0x845EADF36D56F2F7, 0x54F02C50B6B75554]
    assert words(7, rng.LAYER, 1, 2, 3) == [0x10E63102978F6751, 0xFC48DCED16CD014B, 0x29259DCD11A0D217, 0x2B58996AD7675BF8]
    assert rng.permutation(10, 7, rng.ORDER, 1).tolist() == [3, 0, 1, 9, 5, 8, 4, 6, 7, 2]


def test_purposes_are_pinned_and_distinct():
    purposes = {name: value for name, value in inspect.getmembers(rng) if isinstance(value, int) and name.isupper()}
    assert purposes == {"INITIALIZER": 1, "ORDER": 2, "LAYER": 3, "SPLIT": 4, "TALLY": 5, "TRANSFORM": 6, "BALANCE": 7, "GAME": 8,
                        "ACTION": 9, "CONTEST": 10}


def test_streams_do_not_depend_on_the_order_of_drawing():
    one, other = rng.stream(1, rng.LAYER, 0, 0), rng.stream(1, rng.LAYER, 0, 1)
    mixed = [(one.random(), other.random()) for _ in range(5)]
    alone = rng.stream(1, rng.LAYER, 0, 1).random(5)
    assert [second for _, second in mixed] == alone.tolist()


def test_every_part_of_the_key_makes_another_stream():
    keys = [(1, 1, 0, 0, 0), (2, 1, 0, 0, 0), (1, 2, 0, 0, 0), (1, 1, 1, 0, 0), (1, 1, 0, 1, 0), (1, 1, 0, 0, 1)]
    assert len({tuple(words(*key)) for key in keys}) == len(keys)


def test_neighbouring_streams_do_not_overlap():
    drawn = [word for step in range(20) for word in words(3, rng.LAYER, step, n=1000)]
    assert len(set(drawn)) == len(drawn)


def test_drawing_takes_no_word_from_numpys_global_stream():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    rng.stream(1, rng.LAYER).random(100)
    assert np.random.random() == expected


@pytest.mark.parametrize("length", [0, 1, 2, 1000])
def test_a_permutation_holds_every_index_once(length):
    order = rng.permutation(length, 3, rng.ORDER)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(length))


def test_a_permutation_is_a_function_of_its_key():
    orders = [rng.permutation(100, *key).tolist() for key in [(3, 2, 0), (3, 2, 1), (4, 2, 0), (3, 4, 0)]]
    assert rng.permutation(100, 3, 2, 0).tolist() == orders[0]
    assert len({tuple(order) for order in orders}) == 4


def test_permutations_put_every_index_in_every_place():
    """Of 4000 epochs each of 4 indices should come first in a quarter; 5 standard deviations are 137."""
    first = [int(rng.permutation(4, 1, rng.ORDER, epoch)[0]) for epoch in range(4000)]
    assert np.all(np.abs(np.bincount(first, minlength=4) - 1000) < 137)
