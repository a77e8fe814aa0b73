"""What holds for every layer, on every case that its file brings (bpcore/layers/__init__.py is the contract)."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from witnesses import row

from bpcore import rng
from bpcore.gradcheck import TOLERANCE, check_layer, workspace
from bpcore.initializers import Initializer
from bpcore.layers import LAYERS, Workspace


def start(case, dtype=np.float64, seed=5):
    """(workspace, dy): random numbers in the inputs and parameters, and for the gradient of the output."""
    random = np.random.default_rng(seed)
    w = workspace(case, random, dtype)
    for name in statistics(case):
        np.abs(w.p[name], out=w.p[name])  # a variance is not negative
    return w, random.standard_normal(w.dy.shape).astype(dtype)


def advance(case, w, dy):
    """The workspace after forward and backward. The memory of w.dy is the layer's to use up."""
    for backward, call in enumerate((case.layer.forward, case.layer.backward)):
        w.dy[...] = dy
        if w.training and case.layer.whole_batch(*case.inputs):
            w.totals = case.layer.collect(w, bool(backward))
        call(w)
    return w


def run(case, dtype=np.float64, seed=5):
    return advance(case, *start(case, dtype, seed))


def again(case, w, dy, rows=slice(None), inputs=None, dinputs=None):
    """Another workspace on `rows` of the inputs of `w`, after forward and backward."""
    inputs = [x[rows].copy() for x in w.inputs] if inputs is None else inputs
    dinputs = [None if dx is None else np.full_like(dx[rows], np.nan) for dx in w.dinputs] if dinputs is None else dinputs
    part = Workspace(inputs, np.full_like(w.y[rows], np.nan), np.full_like(w.y[rows], np.nan), dinputs)
    part.p, part.g = w.p, {name: np.full_like(g, np.nan) for name, g in w.g.items()}
    part.training, part.rng = w.training, w.rng
    return advance(case, part, dy[rows])


def statistics(case):
    return {name for name, p in case.layer.parameters(*case.inputs).items() if p.momentum is not None}


def gradients(case, w):
    """What backward wrote: a statistic's entry only in training, where alone it means something."""
    written = {name: g for name, g in w.g.items() if w.training or name not in statistics(case)}
    return {**{i: dx for i, dx in enumerate(w.dinputs) if dx is not None}, **written}


def results(case, w):
    return {"y": w.y, **gradients(case, w)}


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


def settled(case):
    """The case in evaluation where training draws or mixes samples: elsewhere as it is."""
    return replace(case, training=False) if draws(case) or statistics(case) else case


def test_the_gradient_is_the_finite_difference(layer_case, record_property):
    for check in check_layer(layer_case):
        assert check.error <= TOLERANCE, str(check)
        record_property(f"{row(layer_case.layer)} gradient", check.error)


def test_forward_writes_all_of_its_output(layer_case):
    w, _ = start(layer_case)
    w.y.fill(np.nan)
    layer_case.layer.forward(w)
    assert np.isfinite(w.y).all()


def test_backward_writes_every_gradient(layer_case):
    """workspace() fills them with NaN, so one that is added to, or left out, is seen."""
    for name, gradient in gradients(layer_case, run(layer_case)).items():
        assert np.isfinite(gradient).all(), name


def test_calls_bound_once_do_for_every_step(layer_case):
    """Other numbers in the same arrays; the results are those of a workspace of its own."""
    w, _ = start(layer_case)
    ahead, back = list(layer_case.layer.ahead(w)), list(layer_case.layer.back(w))
    for seed in (6, 7):
        other, dy = start(layer_case, seed=seed)
        for array, numbers in zip([*w.inputs, *w.p.values()], [*other.inputs, *other.p.values()], strict=True):
            array[...] = numbers
        for backward, calls in enumerate((ahead, back)):
            w.dy[...] = dy
            if w.training and layer_case.layer.whole_batch(*layer_case.inputs):
                w.totals = layer_case.layer.collect(w, bool(backward))
            for call in calls:
                call()
        wanted = results(layer_case, advance(layer_case, other, dy))
        assert {name: array.tobytes() for name, array in results(layer_case, w).items()} == {
            name: array.tobytes() for name, array in wanted.items()}


def test_inputs_and_parameters_are_only_read(layer_case):
    w, dy = start(layer_case)
    for array in [*w.inputs, *w.p.values()]:
        array.flags.writeable = False
    advance(layer_case, w, dy)


def test_an_input_that_needs_no_gradient_changes_no_other(layer_case):
    w, dy = start(layer_case)
    advance(layer_case, w, dy)
    for skipped in range(len(w.inputs)):
        dinputs = [None if i == skipped or dx is None else np.full_like(dx, np.nan) for i, dx in enumerate(w.dinputs)]
        wanted = {name: g for name, g in gradients(layer_case, w).items() if name != skipped}
        assert_same(gradients(layer_case, again(layer_case, w, dy, dinputs=dinputs)), wanted, 1e-12, 1e-12)


def test_the_same_inputs_give_the_same_bits(layer_case):
    first, second = run(layer_case, np.float32), run(layer_case, np.float32)
    for name, array in results(layer_case, first).items():
        assert array.tobytes() == results(layer_case, second)[name].tobytes(), name


def test_what_an_earlier_batch_left_behind_changes_nothing(layer_case):
    used, (fresh, dy) = run(layer_case, seed=1), start(layer_case, seed=2)
    for old, new in zip([*used.inputs, *used.p.values()], [*fresh.inputs, *fresh.p.values()]):
        old[...] = new
    assert_same(results(layer_case, advance(layer_case, used, dy)), results(layer_case, advance(layer_case, fresh, dy)))


def test_evaluation_in_between_changes_nothing(layer_case):
    used, (fresh, dy) = run(layer_case), start(layer_case)
    used.training = not layer_case.training
    layer_case.layer.forward(used)
    used.training = layer_case.training
    assert_same(results(layer_case, advance(layer_case, used, dy)), results(layer_case, advance(layer_case, fresh, dy)))


def test_temporaries_hold_nothing_from_one_call_to_the_next(layer_case):
    """All layers of a model share their memory: NaN is put into it before each call."""
    w, dy = start(layer_case)
    wanted, pool = results(layer_case, advance(layer_case, w, dy)), {}
    part = Workspace(w.inputs, np.full_like(w.y, np.nan), dy.copy(), [None if dx is None else np.full_like(dx, np.nan) for dx in w.dinputs], pool)
    part.p, part.g, part.training, part.rng = w.p, {name: np.full_like(g, np.nan) for name, g in w.g.items()}, w.training, w.rng
    for _ in range(2):  # in the first round there is nothing yet to put NaN into
        for call in (layer_case.layer.forward, layer_case.layer.backward):
            for array in pool.values():
                array.fill(np.nan if array.dtype.kind == "f" else 1)
            part.dy[...] = dy
            call(part)
    assert_same(results(layer_case, part), wanted)


def test_evaluation_draws_nothing(layer_case):
    w, _ = start(replace(layer_case, training=False))
    del w.rng
    layer_case.layer.forward(w)


def test_float32_is_close_to_float64(layer_case):
    """Random layers draw other numbers in float32, so these are compared without training."""
    case = replace(layer_case, training=False) if draws(layer_case) else layer_case
    single, double = run(case, np.float32), run(case, np.float64)
    assert {array.dtype.name for array in results(case, single).values()} == {"float32"}
    for name, array in results(case, double).items():
        scale = max(1, np.abs(array).max(initial=0))
        np.testing.assert_allclose(results(case, single)[name], array, rtol=0, atol=1e-4 * scale, err_msg=str(name))


def test_float32_is_never_kept_as_float64(layer_case):
    """Such an array would double a rank's memory."""
    w, pool = run(layer_case, np.float32), {}
    part = Workspace(w.inputs, w.y, w.dy, w.dinputs, pool)
    part.p, part.g, part.training, part.rng = w.p, w.g, w.training, w.rng
    advance(layer_case, part, np.ones_like(w.y))
    assert np.float64 not in [array.dtype for array in [*pool.values(), *part._scratch.values()]]


def test_inputs_in_any_order_in_memory_are_the_same(layer_case):
    w, dy = start(layer_case)
    wanted = results(layer_case, advance(layer_case, w, dy))
    strided = [np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim > 1 else np.repeat(x, 2)[::2] for x in w.inputs]
    backwards = [np.ascontiguousarray(x.T).T for x in w.inputs]
    for inputs in (strided, backwards):
        assert_same(results(layer_case, again(layer_case, w, dy, inputs=inputs)), wanted, 1e-12, 1e-12)


def test_a_batch_of_one_is_a_row_of_a_batch(layer_case):
    """In training, too, unless the layer draws, or keeps statistics of the batch."""
    case = settled(layer_case)
    w, dy = start(case)
    advance(case, w, dy)
    for i in range(case.batch):
        one = again(case, w, dy, slice(i, i + 1))
        rows = {"y": w.y[i:i + 1], **{j: dx[i:i + 1] for j, dx in enumerate(w.dinputs) if dx is not None}}
        assert_same({"y": one.y, **{j: dx for j, dx in enumerate(one.dinputs) if dx is not None}}, rows, 1e-12, 1e-12)


def test_gradients_of_samples_add_up_to_that_of_the_batch(layer_case):
    case = settled(layer_case)
    w, dy = start(case)
    advance(case, w, dy)
    parts = [again(case, w, dy, slice(i, i + 1)).g for i in range(case.batch)]
    trained = w.g.keys() - statistics(case)
    assert_same({name: sum(part[name] for part in parts) for name in trained}, {name: w.g[name] for name in trained}, 1e-11, 1e-11)


def test_a_mask_of_nothing_gives_finite_numbers(layer_case):
    """The sample that pads a batch: every yes/no input is 0."""
    masks = [i for i, values in layer_case.integers.items() if values == 2]
    w, dy = start(layer_case)
    for i in masks:
        w.inputs[i].fill(0)
    for name, array in results(layer_case, advance(layer_case, w, dy)).items():
        assert np.isfinite(array).all(), name


def test_a_layer_says_its_parameters_by_shape(layer_case):
    w = run(layer_case)
    declared = layer_case.layer.parameters(*layer_case.inputs)
    shapes = {name: p.shape for name, p in declared.items()}
    assert shapes == {name: p.shape for name, p in w.p.items()} == {name: g.shape for name, g in w.g.items()}
    assert all(p.fan_in >= 1 and p.fan_out >= 1 and isinstance(p.initializer, Initializer) for p in declared.values())
    assert all(0 < p.momentum <= 1 for p in declared.values() if p.momentum is not None)


def test_a_case_has_as_many_inputs_as_the_layer_takes(layer_case):
    least, most = layer_case.layer.arity
    assert least <= len(layer_case.inputs) <= (most or len(layer_case.inputs))
    given = len(layer_case.inputs)
    assert set(layer_case.integers) == {i % given if i < 0 else i for i in layer_case.layer.integer_inputs if i < given}


def test_a_layer_holds_no_arrays(layer_case):
    """So that one layer runs on many batches, and two of the same attributes are the same."""
    before = dict(vars(layer_case.layer))
    run(layer_case)
    assert not any(isinstance(value, np.ndarray) for value in vars(layer_case.layer).values())
    assert {name: vars(layer_case.layer)[name] for name in before} == before
    assert hash(layer_case.layer) == hash(replace(layer_case.layer))


def test_a_layer_brings_a_batch_of_one(layer_name):
    assert any(case.batch == 1 for case in LAYERS.types[layer_name].cases())


def test_every_attribute_is_tried_at_another_value_than_its_default(layer_name):
    """An initializer changes nothing that the cases look at."""
    kind = LAYERS.types[layer_name]
    tried = [case.layer for case in kind.cases()]
    fixed = [field.name for field in dataclasses.fields(kind) if not isinstance(field.default, Initializer)
             and all(getattr(layer, field.name) == field.default for layer in tried)]
    assert fixed == []


def test_scratch_is_kept_while_its_shape_is():
    w = Workspace([np.zeros(1)], np.zeros(1, np.float32), np.zeros(1), [None])
    first = w.scratch("mask", (2, 3))
    assert w.scratch("mask", (2, 3)) is first and first.dtype == np.float32
    assert w.scratch("mask", (3, 2)).shape == (3, 2) and w.scratch("hits", (2,), np.bool_).dtype == np.bool_


def test_temporaries_of_one_pool_share_their_memory():
    pool = {}
    one, other = (Workspace([np.zeros(1)], np.zeros(1, np.float32), np.zeros(1), [None], pool) for _ in range(2))
    large = one.temporary("windows", (4, 5))
    assert large.dtype == np.float32 and large.shape == (4, 5)
    assert np.shares_memory(large, other.temporary("windows", (2, 3)))
    assert not np.shares_memory(large, other.temporary("hits", (2, 3)))
    assert not np.shares_memory(large, other.temporary("windows", (2, 3), np.bool_))


@pytest.mark.parametrize("shape", [(0,), (), (2, 0)], ids=str)
def test_a_temporary_may_be_of_any_shape(shape):
    assert Workspace([np.zeros(1)], np.zeros(1), np.zeros(1), [None]).temporary("a", shape).shape == shape


def shared(array, like):
    """The same memory in another shape."""
    return array.reshape(like.shape)


def test_a_layer_that_does_not_keep_its_output_does_not_read_it_again(layer_case):
    (w, dy), wanted = start(layer_case), gradients(layer_case, run(layer_case))
    if layer_case.layer.keeps_output:
        return
    for backward, call in enumerate((layer_case.layer.forward, layer_case.layer.backward)):
        w.dy[...] = dy
        if w.training and layer_case.layer.whole_batch(*layer_case.inputs):
            w.totals = layer_case.layer.collect(w, bool(backward))
        call(w)
        w.y.fill(np.nan)
    assert_same(gradients(layer_case, w), wanted)


def test_an_output_may_be_written_over_an_input_where_the_layer_says_so(layer_case):
    wanted = results(layer_case, run(layer_case))
    for host in range(min(layer_case.layer.over_inputs, len(layer_case.inputs))):
        w, dy = start(layer_case)
        part = Workspace(w.inputs, shared(w.inputs[host], w.y), np.zeros_like(w.dy), w.dinputs)
        part.p, part.g, part.training, part.rng = w.p, w.g, w.training, w.rng
        assert_same(results(layer_case, advance(layer_case, part, dy)), wanted)


def test_a_gradient_may_be_written_over_that_of_the_output_where_the_layer_says_so(layer_case):
    wanted = results(layer_case, run(layer_case))
    for guest in range(min(layer_case.layer.over_gradient, len(layer_case.inputs))):
        w, dy = start(layer_case)
        dinputs = [shared(w.dy, dx) if i == guest else dx for i, dx in enumerate(w.dinputs)]
        part = Workspace(w.inputs, w.y, w.dy, dinputs)
        part.p, part.g, part.training, part.rng = w.p, w.g, w.training, w.rng
        assert_same(results(layer_case, advance(layer_case, part, dy)), wanted)


def test_relu_in_a_layers_own_pass_is_relu_behind_it(layer_case):
    if not layer_case.layer.rectifies:
        return
    plain, (w, dy) = run(layer_case), start(layer_case)
    y = np.maximum(plain.y, 0)
    wanted = {"y": y, **gradients(layer_case, again(layer_case, plain, dy * (y > 0)))}
    w.rectified = True
    assert_same(results(layer_case, advance(layer_case, w, dy)), wanted)
