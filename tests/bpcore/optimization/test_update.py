"""The update against a reference in plain NumPy (updates.py)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.optimization.regularization import Clipping, Group, Regularization
from bpcore.optimization.update import Pace
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.lamb import Lamb
from bpcore.optimizers.sgd import Sgd
from tests.bpcore.updates import DTYPES, STATISTICS, Trained, assert_alike, drawn, flat, run, run_reference, spec

SOME = st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0])
PATTERNS = st.sampled_from(["*", "*.bias", "stem.*", "head.weight", "norm.*", "*.[sw]*"])
GROUPS = st.builds(Group, PATTERNS, st.sampled_from([0.0, 0.1, 1.0, 3.0]), st.none() | SOME, st.sampled_from([False, False, True]),
                   st.integers(0, 3))
SPECS = st.builds(
    spec, st.builds(Sgd, st.floats(0.001, 0.5), st.sampled_from([0.0, 0.9])),
    regularization=st.builds(Regularization, SOME, SOME, SOME, st.sampled_from([0.0, 0.5, 3.0]), st.lists(PATTERNS, max_size=2).map(tuple)),
    clipping=st.builds(Clipping, SOME, SOME, st.sampled_from([0.0, 0.5, 20.0])),
    groups=st.lists(GROUPS, max_size=3).map(tuple), average=st.sampled_from([0.0, 0.5, 0.99]))


@DTYPES
def test_any_mixture_of_settings_is_the_reference(dtype):
    @settings(derandomize=True, max_examples=40, deadline=None)
    @given(SPECS)
    def check(spec):
        assert_alike(run(spec, dtype), run_reference(spec), dtype)

    check()


@DTYPES
@pytest.mark.parametrize("setting", [
    {"regularization": Regularization(l1=0.3)}, {"regularization": Regularization(l2=0.3)}, {"regularization": Regularization(weight_decay=0.3)},
    {"regularization": Regularization(max_norm=0.5)}, {"regularization": Regularization(1.0, 1.0, 1.0, 1.0, ("*.bias", "norm.*"))},
    {"clipping": Clipping(value=0.1)}, {"clipping": Clipping(norm=0.5)}, {"clipping": Clipping(global_norm=0.5)},
    {"clipping": Clipping(0.2, 1.0, 1.5)}, {"clipping": Clipping(global_norm=1e6)},
    {"groups": (Group("stem.*", 0.1),)}, {"groups": (Group("*.bias", weight_decay=0.0),), "regularization": Regularization(weight_decay=0.3)},
    {"groups": (Group("stem.*", frozen=True),)}, {"groups": (Group("stem.*", frozen_epochs=2),)},
    {"groups": (Group("*", 0.5), Group("head.*", 2.0))}, {"average": 0.9},
], ids=str)
def test_a_setting_is_the_reference(setting, dtype):
    whole = spec(Sgd(0.1, momentum=0.9), **setting)
    assert_alike(run(whole, dtype), run_reference(whole), dtype)


@pytest.mark.parametrize("optimizer", [Sgd(0.1, momentum=0.9), Adam(), Lamb()], ids=["sgd", "adam", "lamb"])
def test_old_vectors_are_only_read_and_new_ones_written_whole(optimizer):
    """Trained.step compares the old ones' bits; a number left out would be NaN."""
    everything = spec(optimizer, average=0.9, clipping=Clipping(1.0, 1.0, 1.0), groups=(Group("stem.*", frozen_epochs=2), Group("head.bias", frozen=True)),
                      regularization=Regularization(0.1, 0.1, 0.1, 1.0))
    ours = run(everything)
    assert all(np.isfinite(vector.flat).all() for vector in [ours.p, *ours.state.values()])


@DTYPES
def test_frozen_parameters_never_change_one_bit(dtype):
    """Whatever else would move them: penalties, decay, the bound on their norm, the average."""
    frozen = spec(Adam(0.1), groups=(Group("stem.*", frozen=True),), average=0.99, clipping=Clipping(0.1, 0.1, 0.1),
                  regularization=Regularization(0.3, 0.3, 0.3, 0.5))
    ours = run(frozen, dtype, steps=6)
    start = flat(drawn(0), dtype).named()
    for arrays in (ours.arrays(), ours.arrays(ours.updater.evaluated(ours.p, ours.state))):
        for name in ("stem.weight", "stem.bias"):
            assert arrays[name].tobytes() == start[name].tobytes(), name
        assert not np.array_equal(arrays["head.weight"], start["head.weight"])


def test_a_parameter_thaws_after_its_epochs():
    ours = Trained(spec(groups=(Group("stem.*", frozen_epochs=2),)), drawn(0), np.float64)
    moved = []
    for epoch in range(4):
        before = ours.arrays()["stem.bias"].copy()
        ours.step(Pace(epoch + 1, 1.0, 1, epoch=epoch), drawn(1))
        moved.append(not np.array_equal(before, ours.arrays()["stem.bias"]))
    assert moved == [False, False, True, True]


def test_what_is_frozen_does_not_count_in_the_global_norm():
    """As in PyTorch, where it has no gradient at all."""
    frozen = spec(Sgd(1.0), groups=(Group("stem.*", frozen=True),), clipping=Clipping(global_norm=0.5))
    ours = Trained(frozen, drawn(0), np.float64)
    ours.step(Pace(1, 1.0, 1), drawn(1))
    start = drawn(0)
    moved = np.concatenate([(ours.arrays()[name] - start[name]).ravel() for name in start if name not in STATISTICS])
    assert np.linalg.norm(moved) == pytest.approx(0.5, rel=1e-12)


def test_a_later_group_overrides_an_earlier_one():
    """All but the weight decay, which the last group that gives one decides."""
    groups = (Group("*", 0.0, 0.5), Group("*.bias", 2.0), Group("head.bias", frozen=True))
    ours = run(spec(groups=groups), steps=1)
    start, rate = drawn(0), 0.1
    got = ours.arrays()
    np.testing.assert_array_equal(got["stem.weight"], start["stem.weight"])
    wanted = start["stem.bias"] - 2 * rate * (drawn(1)["stem.bias"] / 4 + 0.5 * start["stem.bias"])
    np.testing.assert_allclose(got["stem.bias"], wanted, rtol=1e-12)
    np.testing.assert_array_equal(got["head.bias"], start["head.bias"])
