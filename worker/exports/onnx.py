"""ONNX: the graph of a model in evaluation, with its parameters.

Each layer writes itself down in operators (`Layer.onnx`). The batch's size stays open; inputs and the
output have the names of the job file. Needs the package onnx.
"""

from typing import Any

import numpy as np

from bpcore.arena import Vector
from bpcore.errors import InvalidInput, Problem
from bpcore.model import Model
from worker.errors import Unavailable

OPSET, IR_VERSION = 21, 10


def convert(model: Model, parameters: Vector) -> bytes:
    """Raises InvalidInput naming every layer without an ONNX operator, Unavailable without the package."""
    try:
        import onnx
    except ImportError:
        raise Unavailable("export to ONNX needs the package onnx: pip install 'bptrain[onnx]'") from None
    graph, builder = model.spec.graph, _Builder(onnx)
    names, problems = [given.name for given in graph.inputs], []
    shapes = [given.shape for given in graph.inputs] + [node.shape for node in graph.nodes]
    for position, node in enumerate(graph.nodes):
        arrays = parameters.nodes[position]
        name = node.layer.onnx(builder, [names[place] for place in node.inputs], arrays, [shapes[place] for place in node.inputs])
        if name is None:
            problems.append(Problem(f"model.layers[{position}]", f'"{node.name}" has no ONNX operator'))
        names.append(name or node.name)
    if problems:
        raise InvalidInput(problems)
    output = model.spec.heads[0].output
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(model.dtype))
    inputs = [onnx.helper.make_tensor_value_info(given.name, onnx.TensorProto.INT64 if given.integer else kind, ["batch", *given.shape])
              for given in graph.inputs]
    builder.rename(names[len(graph.inputs) + output], "output")
    result = onnx.helper.make_tensor_value_info("output", kind, ["batch", *graph.nodes[output].shape])
    whole = onnx.helper.make_graph(builder.nodes, "bptrain", inputs, [result], builder.constants)
    proto = onnx.helper.make_model(whole, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


class _Builder:
    """Operators and constants under names of their own."""

    def __init__(self, onnx: Any):
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return name

    def constant(self, array: Any) -> str:
        name = f"constant_{len(self.constants)}"
        array = np.asarray(array, np.int64) if isinstance(array, (list, tuple)) else np.ascontiguousarray(array)
        self.constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def rename(self, old: str, new: str) -> None:
        self.nodes.append(self._onnx.helper.make_node("Identity", [old], [new]))
