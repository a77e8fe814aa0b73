"""Several owners update one vector, each its part between two borders: the bits are those of one alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.arena import LINE, Layout, Owner
from bpcore.optimization.regularization import Clipping, Group, Regularization
from bpcore.optimization.rules import CELL
from bpcore.optimization.update import BLOCK, Pace, Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.lamb import Lamb
from bpcore.optimizers.sgd import Sgd
from bpcore.spec import Spec

LAYOUT = Layout([Owner("stem", {"weight": (150, 240), "bias": (7,)}),
                 Owner("norm", {"mean": (5,), "scale": (5,)}, {"mean": 0.1}),
                 Owner("head", {"weight": (40, 50), "bias": (5,)})])
assert 150 * 240 > BLOCK  # so it is cut inside a block, too
OPTIMIZER_CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in OPTIMIZERS.types.items() for i, case in enumerate(kind.cases())]
SETTINGS = {
    "plain": {}, "value": {"clipping": Clipping(value=0.1)}, "norm": {"clipping": Clipping(norm=0.5)},
    "global norm": {"clipping": Clipping(global_norm=0.5)}, "max norm": {"regularization": Regularization(max_norm=3.0)},
    "all": {"clipping": Clipping(1.0, 2.0, 3.0), "regularization": Regularization(0.1, 0.1, 0.1, 3.0, ("*.bias",)), "average": 0.9,
            "groups": (Group("head.*", 0.1), Group("norm.scale", frozen=True), Group("stem.bias", frozen_epochs=2))},
}


def updater(optimizer=Sgd(0.1), **extra):
    return Updater(Spec(None, (), optimizer, **extra), LAYOUT)


def drawn(seed, dtype=np.float32):
    vector = LAYOUT.zeros(dtype)
    for view in vector.named().values():
        view[...] = np.random.default_rng(seed).standard_normal(view.shape)
    return vector.flat


def cut(borders, wanted):
    """Parts whose ends are the borders nearest to the `wanted` places."""
    places = [0, *sorted(borders[np.abs(borders - place).argmin()] for place in wanted), LAYOUT.size]
    return [slice(int(low), int(high)) for low, high in zip(places, places[1:]) if low < high]


def train(updater, parts, steps=3, dtype=np.float32):
    """The bits of all vectors after some steps, each part by an owner who knows nothing else of the new vectors."""
    p, state = drawn(0, dtype), {name: np.zeros(LAYOUT.size, dtype) for name in updater.state}
    for step in range(1, steps + 1):
        pace, total = Pace(step, 3.0, 4, 1 / step, step - 1), drawn(step, dtype)
        norms = sum(updater.norms(pace, total, part) for part in parts)
        new_p, new_state = np.full_like(p, np.nan), {name: np.full_like(p, np.nan) for name in state}
        for part in parts:
            assert updater.update(pace, total, p, state, new_p, new_state, part, norms)
        p, state = new_p, new_state
    return [array.tobytes() for array in (p, *state.values())]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_however_a_vector_is_cut_its_bits_are_one(optimizer, setting):
    ours = updater(optimizer, **SETTINGS[setting])
    assert train(ours, cut(ours.borders, [20_000, 36_500])) == train(ours, [slice(0, LAYOUT.size)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [Adam(), Lamb()], ids=["adam", "lamb"])
def test_any_cut_will_do(optimizer, dtype):
    ours = updater(optimizer, **SETTINGS["all"])
    whole = train(ours, [slice(0, LAYOUT.size)], dtype=dtype)

    @settings(derandomize=True, max_examples=15, deadline=None)
    @given(st.lists(st.integers(0, LAYOUT.size), max_size=6))
    def check(places):
        assert train(ours, cut(ours.borders, places), dtype=dtype) == whole

    check()


def test_one_alone_need_not_ask_for_norms():
    ours, pace = updater(**SETTINGS["all"]), Pace(1, 3.0, 4)
    new, asked = (np.full(LAYOUT.size, np.nan, np.float32) for _ in range(2))
    state = {name: np.zeros(LAYOUT.size, np.float32) for name in ours.state}
    ours.update(pace, drawn(1), drawn(0), state, new, {name: array.copy() for name, array in state.items()})
    ours.update(pace, drawn(1), drawn(0), state, asked, {name: array.copy() for name, array in state.items()}, norms=ours.norms(pace, drawn(1)))
    assert new.tobytes() == asked.tobytes()


@pytest.mark.parametrize("setting", SETTINGS)
def test_nothing_outside_a_part_is_read_or_written(setting):
    """Elsewhere all vectors are NaN, and stay it."""
    ours, pace = updater(Adam(), **SETTINGS[setting]), Pace(2, 3.0, 4)
    part = cut(ours.borders, [20_000, 36_500])[1]
    given, norms = [], ours.norms(pace, drawn(1))
    for seed in range(5):
        array = np.full(LAYOUT.size, np.nan, np.float32)
        array[part] = np.abs(drawn(seed)[part])
        given.append(array)
    new_p, *new = (np.full(LAYOUT.size, np.nan, np.float32) for _ in range(4))
    state, new_state = dict(zip(ours.state, given[2:])), dict(zip(ours.state, new))
    assert ours.update(pace, given[0], given[1], state, new_p, new_state, part, norms)
    for array in (new_p, *new_state.values()):
        assert np.isfinite(array[part]).all() and np.isnan(array[:part.start]).all() and np.isnan(array[part.stop:]).all()
    ours.norms(pace, given[0], part)


# Borders

def test_borders_are_lines_and_begin_every_parameter():
    borders = updater().borders
    assert borders[0] == 0 and borders[-1] == LAYOUT.size and (np.diff(borders) > 0).all()
    assert not (borders % LINE).any() and {slot.offset for slot in LAYOUT.slots} <= set(borders.tolist())


def test_borders_by_hand():
    """36 000 numbers are 36 cells of 1024 with a rest; then come 7 and 5, a line each, 2000 in two cells, 5 and, behind all that is
    trained, the other 5."""
    small = [36_000, 36_016, 36_032, 36_032 + CELL, 38_032, 38_048, 38_064]
    assert updater().borders.tolist() == [*range(0, 36_000, CELL), *small]


@pytest.mark.parametrize("ours", [updater(Lamb()), updater(regularization=Regularization(max_norm=1.0))], ids=["trust", "max norm"])
def test_what_must_be_seen_whole_is_not_cut(ours):
    assert ours.borders.tolist() == [0, 36_000, 36_016, 36_032, 38_032, 38_048, 38_064]


def test_a_layout_without_parameters_has_one_border():
    empty = Layout([])
    assert Updater(Spec(None, (), Sgd()), empty).borders.tolist() == [0]


def test_a_part_that_is_not_cut_at_borders_is_refused():
    ours, array = updater(), drawn(0)
    with pytest.raises(ValueError, match="^expected a part between two borders, got 0 to 40$"):
        ours.update(Pace(1, 1.0, 1), array, array, {}, array.copy(), {}, slice(0, 40))


# Norms

def test_without_clipping_by_norm_nothing_is_asked():
    assert updater(clipping=Clipping(value=1.0)).norms(Pace(1, 1.0, 1), drawn(1)).shape == (0,)


def test_each_number_is_found_by_one_owner_and_zero_with_the_others():
    ours, pace = updater(clipping=Clipping(global_norm=1.0)), Pace(1, 3.0, 1)
    found = np.array([ours.norms(pace, drawn(1), part) for part in cut(ours.borders, [5000, 20_000, 36_500])])
    assert found.dtype == np.float64 and ((found != 0).sum(axis=0) <= 1).all()
    assert found.sum(axis=0).tobytes() == ours.norms(pace, drawn(1)).tobytes()
    trained = np.concatenate([drawn(1)[slot.place] for slot in LAYOUT.slots if slot.momentum is None]).astype(np.float64)
    assert found.sum() == pytest.approx((trained / 3) @ (trained / 3), rel=1e-6)


# What is not finite

@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [0, 35_999, 36_016 + 2, 36_048])
def test_a_gradient_that_is_not_finite_is_noticed(place, bad):
    """In a weight, at a block's end, in a statistic; also where clipping makes a finite number of it."""
    ours, total = updater(clipping=Clipping(value=1.0)), drawn(1)
    total[place] = bad
    first, second = cut(ours.borders, [36_048 if place < 36_048 else 36_000])
    with np.errstate(all="ignore"):  # as a rank does
        told = [ours.update(Pace(1, 1.0, 1), total, drawn(0), {}, np.empty_like(total), {}, part) for part in (first, second)]
    assert told == [place >= first.stop, place < first.stop]


def test_the_largest_numbers_are_finite():
    total = np.full(LAYOUT.size, np.finfo(np.float32).max)
    assert updater().update(Pace(1, 1.0, 1), total, drawn(0), {}, np.empty_like(total), {})


def test_a_frozen_parameters_gradient_may_be_anything():
    ours, total = updater(groups=(Group("stem.*", frozen=True),)), drawn(1)
    total[:100] = np.nan
    assert ours.update(Pace(1, 1.0, 1), total, drawn(0), {}, np.empty_like(total), {})
