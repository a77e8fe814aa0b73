"""The compiled update has the bits of its formula over NumPy arrays, wherever a part begins and ends."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import kernels
from bpcore.optimization.descent import by_arrays, clipped, plain

SIZE, FLOAT = 300, np.dtype(np.float32)
# share, l2, decay, keep, rate; between share and l2: limit, scale, l1. With keep 0 and rate −1 it is the direction.
SETTINGS = {plain: [(0.25, 0.0, 0.0, 1.0, 0.01), (0.3, 0.1, 0.2, 1.0, 0.5), (0.3, 0.0, 0.1, 0.0, -1.0)],
            clipped: [(0.3, np.inf, 1.0, 0.1, 0.0, 0.0, 1.0, 0.01), (0.3, 0.2, 0.7, 0.0, 0.1, 0.1, 1.0, 0.01)]}
CASES = pytest.mark.parametrize(("formula", "setting"), [(formula, one) for formula, many in SETTINGS.items() for one in many],
                                ids=lambda value: getattr(value, "__name__", None))


def drawn(optimizer, seed=0):
    """The gradient's sum and the old vectors; states are squares, as some must be, and some numbers are zero, as in gaps."""
    random = np.random.default_rng(seed)
    total, p, *state = (random.standard_normal(SIZE).astype(np.float32) for _ in range(2 + len(optimizer.state)))
    total[::17] = p[::11] = 0
    return total, p, *(array * array for array in state)


def loop(formula, optimizer, setting):
    """(old, new, start, stop) → whether all is finite."""
    given = np.array([*setting, *optimizer.constants(3)])
    lengths = len(setting), given.size - len(setting)
    return telling(kernels.descent.loop(formula, optimizer.direction, len(optimizer.state), *lengths).of(FLOAT), given)


def twin(formula, optimizer, setting):
    return telling(partial(by_arrays, formula, optimizer.direction, len(setting)), np.array([*setting, *optimizer.constants(3)]))


def telling(descend, given):
    def run(old, new, start, stop):
        flag = np.zeros(1)
        descend(old, new, given, flag, start, stop)
        return not flag[0]

    return run


@CASES
def test_the_loop_is_the_formula(optimizer_case, formula, setting):
    old = drawn(optimizer_case)
    ours, theirs = (tuple(np.full_like(array, np.nan) for array in old[1:]) for _ in range(2))
    assert loop(formula, optimizer_case, setting)(old, ours, 0, SIZE)
    assert twin(formula, optimizer_case, setting)(old, theirs, 0, SIZE)
    assert [array.tobytes() for array in ours] == [array.tobytes() for array in theirs]


def test_a_number_has_the_same_bits_at_any_place_of_any_part(optimizer_case):
    """In the middle of a vector as in what no vector has room for, and at any address."""
    old = drawn(optimizer_case)
    kernel = loop(clipped, optimizer_case, SETTINGS[clipped][1])
    whole = tuple(np.empty_like(array) for array in old[1:])
    kernel(old, whole, 0, SIZE)

    @settings(derandomize=True, max_examples=30, deadline=None, database=None)
    @given(st.integers(0, SIZE), st.integers(0, SIZE), st.integers(0, 20))
    def check(first, second, shift):
        start, stop = sorted((first, second))
        arrays = [np.full(SIZE + 20, np.nan, np.float32)[shift:shift + SIZE] for _ in range(2 * len(old) - 1)]
        for array, values in zip(arrays, old):
            array[...] = values
        new = tuple(arrays[len(old):])
        kernel(tuple(arrays[:len(old)]), new, start, stop)
        for array, wanted in zip(new, whole):
            assert array[start:stop].tobytes() == wanted[start:stop].tobytes()
            assert np.isnan(array[:start]).all() and np.isnan(array[stop:]).all()

    check()


@pytest.mark.parametrize("place", [0, 1, 31, 64, 298, 299])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_told(optimizer_case, place, bad):
    old = drawn(optimizer_case)
    kernel = loop(plain, optimizer_case, SETTINGS[plain][0])
    old[0][place] = bad
    new = tuple(np.empty_like(array) for array in old[1:])
    assert [kernel(old, new, *part) for part in ((0, SIZE), (0, place), (place, place + 1), (place + 1, SIZE))] == [False, True, False, True]


def test_a_change_of_the_formula_makes_what_is_on_disk_stale():
    """It lies in another folder than the kernels, whose sources are looked at always."""
    from bpcore.kernels.compiled import _Cache
    from bpcore.optimizers.adam import Adam
    from bpcore.optimizers.adamax import Adamax

    function = kernels.descent.loop(plain, Adam.direction, 2, 5, 6).function
    stamps = [_Cache(function, uses)._cache_file._source_stamp for uses in ((), (plain,), (plain, Adam.direction), (plain, Adamax.direction))]
    assert len(set(stamps)) == 4
