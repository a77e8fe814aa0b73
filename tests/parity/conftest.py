"""What parity tests share: PyTorch where it is installed, and comparisons that are written down.

Errors are relative to the largest number of an array, or to 1 where that is larger. Inputs are drawn in
float32 and PyTorch computes in float64, so our float32 is compared with the exact result of the same
inputs, not with another rounding.

`note` holds each error to its bound, and keeps the worst of a test among the test's properties, from which
witnesses/table.py makes the table in bpcore/README.md.
"""

import importlib

import numpy as np
import pytest
from witnesses import BOUNDS, row

from bpcore.gradcheck import workspace
from bpcore.layers import Case
from tests.parity.drawn_metrics import value

FLOATS = (np.float64, np.float32)
_found: dict[str, object] = {}  # by the running test: `layers.conv2d float64` → the worst error


def pytest_addoption(parser):
    parser.addoption("--write-table", action="store_true", help="write the table of proofs in bpcore/README.md from this run's errors")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name == "test_table.py")  # which looks at what all others have found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    _found.clear()
    outcome = yield
    item.user_properties += _found.items()
    return outcome


@pytest.fixture(scope="session")
def torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    torch.set_num_threads(1)  # arrays are small: waking a second thread takes longer than the work
    return torch


@pytest.fixture(scope="session")
def note():
    """`note(thing, column, error)`: asserts that it is within the column's bound, and keeps it for the table.

    `thing`: what the error is of, a registered class, an instance of one, or the name of a job. `by`: the witness.
    """

    def keep(thing, column, error, by="PyTorch"):
        name = f"{row(thing)} {column}"
        _found[name] = max(float(error), _found.get(name, 0.0))
        _found[f"{row(thing)} witness {by}"] = by
        assert error <= BOUNDS[column], (error, name, thing)

    return keep


@pytest.fixture(scope="session")
def agree(note):
    """`agree(thing, ours, theirs)`: asserts that two arrays, or numbers, are equal within the bound of our dtype.

    `floor`: what the error is relative to at least.
    """

    def check(thing, ours, theirs, by="PyTorch", floor=1.0):
        ours, theirs = np.asarray(ours), np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
        assert ours.shape == theirs.shape
        largest = max(floor, np.max(np.abs(theirs), initial=0))
        note(thing, ours.dtype.name, np.max(np.abs(ours - theirs), initial=0) / largest if largest else 0.0, by)

    return check


@pytest.fixture(scope="session")
def sklearn():
    return pytest.importorskip("sklearn.metrics", reason="needs scikit-learn: pip install 'bptrain[local]'")


@pytest.fixture(scope="session")
def same(agree):
    """`same(metric, output, targets, weights, wanted)`: the metric's value is the wanted one, from both dtypes."""

    def check(metric, output, targets, weights, wanted, by="scikit-learn"):
        for dtype in (np.float64, np.float32):
            agree(metric, dtype(value(metric, output.astype(dtype), targets, weights)), wanted, by, floor=1e-3)

    return check


@pytest.fixture(scope="session")
def witness(torch):
    """`witness(layer)`: (a function of How, inputs and parameters, whose it is)."""
    layers = importlib.import_module("witnesses.layers")

    def find(layer):
        name = row(layer).rpartition(".")[2]
        return layers.WITNESSES[name], layers.WHOSE.get(name, "PyTorch")

    return find


@pytest.fixture(scope="session")
def agrees(torch, agree, witness):
    """`agrees(layer, *shapes, batch=…)`: asserts that outputs and all gradients are the witness's, in both dtypes.

    `values` draws numbers of a shape from a generator (default: standard normal); `mask`: the last input, integers;
    `scale`: of the parameters; `integers` and `training` as in a gradient-check case. Our inputs lie in memory in
    another order than usual. Returns our float64 workspace.
    """
    from witnesses.layers import How

    def check(layer, *shapes, batch=3, seed=0, training=True, integers=None, mask=None, scale=1.0, floor=1.0,
              values=np.random.Generator.standard_normal):
        shapes, integers = (shapes, integers or {}) if mask is None else ((*shapes, mask.shape[1:]), {len(shapes): 2})
        case, random = Case(layer, shapes, batch, training, integers), np.random.default_rng(seed)
        given = workspace(case, random, np.float32)
        for i, x in enumerate(given.inputs):
            x[...] = values(random, x.shape) if i not in integers else x if mask is None else mask
        for array in given.p.values():
            array *= np.float32(scale)
        given.dy[...] = random.standard_normal(given.y.shape)
        statistics = {name for name, parameter in layer.parameters(*shapes).items() if parameter.momentum is not None}
        function, by = witness(layer)
        for dtype in reversed(FLOATS):
            ours = _ours(case, given, dtype)
            theirs = _theirs(torch, given, lambda *xs, **p: function(How(layer, training, given.rng, dtype), *xs, **p), statistics)
            found = {"y": ours.y, **dict(enumerate(ours.dinputs)), **ours.g}
            for name, array in theirs.items():
                agree(layer, found[name], array, by, floor=floor)
        return ours

    return check


def _ours(case, given, dtype):
    """The workspace after forward and backward, with inputs whose memory is not in order."""
    w = workspace(case, np.random.default_rng(0), dtype)
    w.inputs[:] = [np.asfortranarray(x if i in case.integers else x.astype(dtype)) for i, x in enumerate(given.inputs)]
    w.x, w.p = w.inputs[0], {name: array.astype(dtype) for name, array in given.p.items()}
    case.layer.forward(w)
    assert w.y.dtype == dtype
    w.dy[...] = given.dy
    case.layer.backward(w)
    return w


def _theirs(torch, given, function, statistics):
    """y, and the gradients of inputs and parameters, by name, in float64; statistics have none."""
    xs = [torch.tensor(x if x.dtype.kind == "i" else x.astype(np.float64)) for x in given.inputs]
    p = {name: torch.tensor(array.astype(np.float64), requires_grad=name not in statistics) for name, array in given.p.items()}
    for x in xs:
        x.requires_grad_(x.is_floating_point())
    y = function(*xs, **p)
    y.backward(torch.from_numpy(given.dy.astype(np.float64)))
    leaves = {name: tensor for name, tensor in [*enumerate(xs), *p.items()] if tensor.requires_grad}
    return {"y": y.detach(), **{name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}}
