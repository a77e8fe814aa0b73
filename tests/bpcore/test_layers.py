"""What holds for every layer, on every case that its file brings (bpcore/layers/__init__.py is the contract)."""

from dataclasses import replace

import numpy as np

from bpcore import rng
from bpcore.gradcheck import TOLERANCE, check_layer, workspace
from bpcore.layers import Workspace


def run(case, dtype=np.float64, seed=5):
    """The workspace of a case after forward and backward, on random numbers."""
    random = np.random.default_rng(seed)
    w = workspace(case, random, dtype)
    case.layer.forward(w)
    w.dy[...] = random.standard_normal(w.dy.shape)
    case.layer.backward(w)
    return w


def again(case, w, rows=slice(None), dinputs=None):
    """Another workspace on `rows` of the inputs of `w`, after forward and backward."""
    dinputs = [np.full_like(x[rows], np.nan) for x in w.inputs] if dinputs is None else dinputs
    part = Workspace([x[rows].copy() for x in w.inputs], np.full_like(w.y[rows], np.nan), w.dy[rows].copy(), dinputs)
    part.p, part.g = w.p, {name: np.full_like(g, np.nan) for name, g in w.g.items()}
    part.training, part.rng = w.training, w.rng
    case.layer.forward(part)
    case.layer.backward(part)
    return part


def gradients(w):
    return {**{i: dx for i, dx in enumerate(w.dinputs) if dx is not None}, **w.g}


def assert_same(a, b, rtol=0.0, atol=0.0):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=rtol, atol=atol, err_msg=str(name))


def draws(case):
    """Whether a layer is random, that is, gives another output with another key."""
    w = run(case)
    y, w.rng = w.y.copy(), lambda: rng.stream(2, rng.LAYER)
    case.layer.forward(w)
    return not np.array_equal(y, w.y)


def test_the_gradient_is_the_finite_difference(layer_case):
    for check in check_layer(layer_case):
        assert check.error <= TOLERANCE, str(check)


def test_forward_writes_all_of_its_output(layer_case):
    w = workspace(layer_case, np.random.default_rng(0))
    w.y.fill(np.nan)
    layer_case.layer.forward(w)
    assert np.isfinite(w.y).all()


def test_backward_writes_every_gradient(layer_case):
    """workspace() fills them with NaN, so one that is added to, or left out, is seen."""
    for name, gradient in gradients(run(layer_case)).items():
        assert np.isfinite(gradient).all(), name


def test_inputs_and_parameters_are_only_read(layer_case):
    w = workspace(layer_case, np.random.default_rng(0))
    for array in [*w.inputs, *w.p.values()]:
        array.flags.writeable = False
    layer_case.layer.forward(w)
    w.dy.flags.writeable = False
    layer_case.layer.backward(w)


def test_an_input_that_needs_no_gradient_changes_no_other(layer_case):
    w = run(layer_case)
    for skipped in range(len(w.inputs)):
        dinputs = [None if i == skipped else np.full_like(x, np.nan) for i, x in enumerate(w.inputs)]
        wanted = {name: g for name, g in gradients(w).items() if name != skipped}
        assert_same(gradients(again(layer_case, w, dinputs=dinputs)), wanted)


def test_what_an_earlier_batch_left_behind_changes_nothing(layer_case):
    used, fresh = run(layer_case, seed=1), run(layer_case, seed=2)
    for old, new in zip([*used.inputs, used.dy, *used.p.values()], [*fresh.inputs, fresh.dy, *fresh.p.values()]):
        old[...] = new
    layer_case.layer.forward(used)
    layer_case.layer.backward(used)
    assert_same(gradients(used) | {"y": used.y}, gradients(fresh) | {"y": fresh.y})


def test_float32_is_close_to_float64(layer_case):
    """Random layers draw other numbers in float32, so these are compared without training."""
    case = replace(layer_case, training=False) if draws(layer_case) else layer_case
    single, double = run(case, np.float32), run(case, np.float64)
    assert {array.dtype.name for array in [single.y, *gradients(single).values()]} == {"float32"}
    assert_same(gradients(single) | {"y": single.y}, gradients(double) | {"y": double.y}, 1e-4, 1e-5)


def test_a_batch_of_one_is_a_row_of_a_batch(layer_case):
    case = replace(layer_case, training=False)
    w = run(case)
    for i in range(case.batch):
        one = again(case, w, slice(i, i + 1))
        rows = {"y": w.y[i:i + 1], **{j: dx[i:i + 1] for j, dx in enumerate(w.dinputs)}}
        assert_same({"y": one.y, **dict(enumerate(one.dinputs))}, rows, 1e-12, 1e-12)


def test_gradients_of_samples_add_up_to_that_of_the_batch(layer_case):
    case = replace(layer_case, training=False)
    w = run(case)
    parts = [again(case, w, slice(i, i + 1)).g for i in range(case.batch)]
    assert_same({name: sum(part[name] for part in parts) for name in w.g}, w.g, 1e-12, 1e-12)


def test_a_layer_says_its_parameters_by_shape(layer_case):
    w = run(layer_case)
    declared = {name: p.shape for name, p in layer_case.layer.parameters(*layer_case.inputs).items()}
    assert declared == {name: p.shape for name, p in w.p.items()} == {name: g.shape for name, g in w.g.items()}


def test_scratch_is_kept_while_its_shape_is():
    w = Workspace([np.zeros(1)], np.zeros(1, np.float32), np.zeros(1), [None])
    first = w.scratch("mask", (2, 3))
    assert w.scratch("mask", (2, 3)) is first and first.dtype == np.float32
    assert w.scratch("mask", (3, 2)).shape == (3, 2) and w.scratch("hits", (2,), np.bool_).dtype == np.bool_
