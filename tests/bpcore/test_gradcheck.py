"""The check itself: right gradients pass, wrong ones are caught, and the command says so."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from bpcore import Model, gradcheck, parse
from bpcore.gradcheck import TOLERANCE, Check, check_layer, check_loss, check_model
from bpcore.layers import LAYERS, Case
from bpcore.layers.linear import Linear
from bpcore.layers.tanh import Tanh
from bpcore.losses import LOSSES
from bpcore.losses import Case as LossCase
from bpcore.losses.mse import Mse


@dataclass(frozen=True)
class Wrong(Tanh):
    """tanh with one small slip: 1 − y instead of 1 − y²."""

    def backward(self, w):
        w.dx[...] = w.dy * (1 - w.y)


@dataclass(frozen=True)
class Unwritten(Tanh):
    """Forgets its gradient, which stays NaN."""

    def backward(self, w):
        pass


@dataclass(frozen=True)
class Adding(Tanh):
    """Adds to its gradient instead of writing it."""

    def backward(self, w):
        w.dx += w.dy * (1 - w.y**2)


@dataclass(frozen=True)
class WrongWeight(Linear):
    """Right for its input, wrong by a thousandth for its weight."""

    def backward(self, w):
        super().backward(w)
        w.g["weight"] *= 1.001


@dataclass(frozen=True)
class WrongLoss(Mse):
    """Writes the gradient of the mean instead of the sum's."""

    def elementwise(self, output, targets, gradient):
        found = super().elementwise(output, targets, gradient)
        if gradient is not None:
            gradient /= output.size
        return found


def passed(check):
    return check.error <= TOLERANCE


@pytest.mark.parametrize("layer", [Wrong(), Unwritten(), Adding()], ids=lambda layer: type(layer).__name__)
def test_a_wrong_backward_is_caught(layer):
    assert [passed(check) for check in check_layer(Case(layer, [(5,)]))] == [False]


def test_the_same_case_with_a_right_backward_passes():
    assert [passed(check) for check in check_layer(Case(Tanh(), [(5,)]))] == [True]


def test_the_wrong_gradient_is_named():
    found = {check.what: passed(check) for check in check_layer(Case(WrongWeight(units=3), [(4,)]))}
    assert found == {"input 0": True, "weight": False, "bias": True}


def test_gradients_are_full_of_nan_until_written():
    w = gradcheck.workspace(Case(Linear(units=3), [(4,)]), np.random.default_rng(0))
    assert all(np.isnan(gradient).all() for gradient in [*w.dinputs, *w.g.values()])
    assert set(w.g) == {"weight", "bias"}


def test_a_wrong_loss_is_caught():
    (check,) = check_loss(LossCase(WrongLoss(), (2,), np.zeros((3, 2))))
    assert not passed(check)


def test_integers_are_drawn_and_have_no_gradient(doubles):
    """`integers` of a case: position → how many values."""
    layer = LAYERS.build({"lookup": {"entries": 5, "units": 2}})
    case = Case(layer, [(7,)], batch=50, integers={0: 5})
    w = gradcheck.workspace(case, np.random.default_rng(0))
    assert w.x.dtype.kind == "i" and set(w.x.ravel().tolist()) == {0, 1, 2, 3, 4}
    assert w.dinputs == [None]
    assert {check.what: passed(check) for check in check_layer(case)} == {"weight": True}


def test_a_mask_is_drawn_beside_numbers(doubles):
    case = Case(LAYERS.build("masked"), [(4, 2), (4,)], integers={1: 2})
    assert {check.what: passed(check) for check in check_layer(case)} == {"input 0": True}


@pytest.mark.parametrize("training", [True, False])
def test_a_running_statistic_is_no_gradient_to_check(doubles, training):
    """In training its entry holds the batch's sum, for the update."""
    found = check_layer(Case(LAYERS.build("centered"), [(3,)], training=training))
    assert {check.what: passed(check) for check in found} == {"input 0": True, "scale": True}


def test_running_statistics_are_drawn_as_a_variance_may_be(doubles):
    """Not negative, whatever they are: batch_norm takes the root of one."""
    w = gradcheck.workspace(Case(LAYERS.build("centered"), [(100,)]), np.random.default_rng(0))
    assert (w.p["mean"] >= 0).all() and (w.p["scale"] < 0).any()


def test_the_error_is_relative_to_the_larger_side_and_one():
    errors = [Check("", *sides).error for sides in [(200.0, 100.0), (0.25, 0.0), (-1.0, 1.0), (3.0, 3.0)]]
    assert errors == [0.5, 0.25, 2.0, 0.0]


def test_a_check_reads_as_both_sides_and_the_error():
    text = str(Check("weight", 2.0, 1.0))
    assert text == "weight: analytic 2, numeric 1, relative error 5.0e-01 (step 1e-06, tolerance 1e-07)"


def test_a_check_leaves_the_arrays_as_they_were():
    x = np.array([1.0, 2.0])
    gradcheck._compare("x", lambda: float((x**2).sum()), x, 2 * x, np.random.default_rng(0))
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize("names", [["linear"], ["linear", "mse"], []], ids=str)
def test_the_command_passes_what_is_registered(names, capsys):
    assert gradcheck.main(names) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.partition(":")[0] for line in lines} == set(names or [*LAYERS.types, *LOSSES.types])


@pytest.mark.parametrize("layer", [Wrong(), Unwritten()], ids=lambda layer: type(layer).__name__)
def test_the_command_fails_for_a_wrong_layer(layer, monkeypatch):
    kind = type("Registered", (type(layer),), {"cases": classmethod(lambda cls: iter([Case(layer, [(5,)])]))})
    monkeypatch.setitem(LAYERS.types, "wrong", kind)
    assert gradcheck.main(["wrong"]) == 1


def command(*names):
    run = [sys.executable, "-m", "bpcore.gradcheck", *names]
    return subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_line_exits_with_zero():
    done = command("linear")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("linear: input 0: analytic ")


def test_the_command_line_answers_a_typo_with_a_sentence():
    done = command("linea")
    assert done.returncode != 0
    assert "did you mean linear?" in done.stderr and "Traceback" not in done.stderr


# whole models

def model(*layers, loss="mse", inputs=(4,)):
    return Model(parse({"model": {"input": inputs, "layers": list(layers)}, "loss": loss, "optimizer": "sgd"}), np.float64)


def layer(kind, **attributes):
    return {"kind": kind, "attributes": attributes}


def checked(m, **replaced):
    """Parameter → whether it passed, from fresh parameters."""
    random = np.random.default_rng(0)
    batch = {"x": random.standard_normal((6, *m.spec.graph.inputs[0].shape)), "y": random.standard_normal((6, *m.spec.graph.output))}
    return {check.what: passed(check) for check in check_model(m, m.initialize(0), batch | replaced)}


def test_every_parameter_of_a_model_is_checked():
    assert checked(model(layer("linear", units=3), layer("tanh"), layer("linear", units=2))) == {
        "linear_0.weight": True, "linear_0.bias": True, "linear_2.weight": True, "linear_2.bias": True}


def test_a_wrong_layer_shows_in_what_stands_before_it(monkeypatch):
    monkeypatch.setitem(LAYERS.types, "wrong", Wrong)
    found = checked(model(layer("linear", units=3), layer("wrong"), layer("linear", units=2)))
    assert found == {"linear_0.weight": False, "linear_0.bias": False, "linear_2.weight": True, "linear_2.bias": True}


def test_a_gradient_that_is_not_a_number_is_wrong(monkeypatch):
    monkeypatch.setitem(LAYERS.types, "unwritten", Unwritten)
    m = model(layer("linear", units=3), layer("unwritten"))
    m.plan(6, place=1).steps[1].dinputs[0].fill(np.nan)
    assert checked(m)["linear_0.weight"] is False


def test_biases_of_zero_at_the_kink_of_relu_are_no_fault():
    """Of black images all sums are 0."""
    m = model(layer("linear", units=30), layer("relu"), layer("linear", units=2))
    assert all(checked(m, x=np.zeros((6, 4))).values())


def test_random_layers_and_several_users_are_checked_by_the_same_numbers():
    first = layer("linear", units=4) | {"name": "first"}
    again = layer("linear", units=4) | {"share": "first"}
    m = model(first, layer("dropout", rate=0.5), again, layer("batch_norm"))
    assert checked(m) == {"first.weight": True, "first.bias": True, "batch_norm_3.gamma": True, "batch_norm_3.beta": True}


def test_layers_that_look_at_the_whole_batch_are_checked(doubles):
    assert all(checked(model(layer("linear", units=3), layer("levelled"), layer("linear", units=2))).values())


def test_a_check_leaves_the_parameters_as_they_were():
    m = model(layer("linear", units=3))
    p = m.initialize(0)
    before = p.flat.copy()
    check_model(m, p, {"x": np.ones((2, 4)), "y": np.ones((2, 3))})
    assert np.array_equal(p.flat, before)
