"""ONNX as a second, independent witness: every layer, exported and run by onnxruntime, against our own forward
pass in evaluation."""

from dataclasses import dataclass

import numpy as np
import pytest

from bpcore import InvalidInput, Model
from bpcore.graph import Graph, Input, Node
from bpcore.layers import LAYERS, Case
from bpcore.layers.leaky_integrate_and_fire import LeakyIntegrateAndFire
from bpcore.layers.tanh import Tanh
from bpcore.losses.mse import Mse
from bpcore.optimizers.sgd import Sgd
from bpcore.spec import Head, Spec
from worker.exports.onnx import convert

onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'bptrain[parity]'")
pytest.importorskip("onnx", reason="needs onnx: pip install 'bptrain[onnx]'")
CASES = [(f"{name}-{i}", case) for name, kind in LAYERS.types.items() for i, case in enumerate(kind.cases())]
# A step is no case of a gradient check.
CASES += [(f"spikes-{i}", Case(LeakyIntegrateAndFire(decay, threshold), [(20, 6)])) for i, (decay, threshold) in enumerate([(0.9, 1.0), (0.0, 0.3)])]


def model_of(case):
    """A model of that one layer."""
    layer = case.layer
    inputs = tuple(Input(f"in{i}", shape, i in case.integers, f"in{i}") for i, shape in enumerate(case.inputs))
    node = Node("only", layer, tuple(range(len(inputs))), layer.output_shape(*case.inputs), layer.parameters(*case.inputs))
    head = Head("", Mse(), 0, "y", "", 1.0, {})
    return Model(Spec(Graph(inputs, (node,)), (head,), Sgd()))


def batch_of(case, random):
    return {f"in{i}": random.integers(0, case.integers[i], (case.batch, *shape)) if i in case.integers
            else random.standard_normal((case.batch, *shape)).astype(np.float32) for i, shape in enumerate(case.inputs)}


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_onnxruntime_computes_what_we_compute(case, note):
    model, random = model_of(case), np.random.default_rng(0)
    parameters, batch = model.initialize(1), batch_of(case, random)
    for name, view in parameters.named().items():
        view += 0.3 * np.abs(random.standard_normal(view.shape))  # no zeros: every term counts
    session = onnxruntime.InferenceSession(convert(model, parameters), providers=["CPUExecutionProvider"])
    theirs, ours = session.run(["output"], batch)[0], model.predict(parameters, batch)
    note(case.layer, "ONNX", np.max(np.abs(theirs - ours) / np.maximum(np.abs(ours), 1)), "onnxruntime")


@dataclass(frozen=True)
class Silent(Tanh):
    """A layer that ONNX has no operator for."""

    def onnx(self, g, inputs, p, shapes):
        return None


def test_a_layer_without_an_operator_is_named():
    model = model_of(Case(Silent(), [(3,)]))
    with pytest.raises(InvalidInput, match='model.layers\\[0\\]: "only" has no ONNX operator'):
        convert(model, model.initialize(0))
