"""Recurrent layers in the ONNX operators RNN, GRU and LSTM.

These take how long each sequence is, but no mask. So the valid steps are moved to the front, by a product with
a matrix of 0 and 1 for each sample, and the outputs back to their places, by that with its transpose.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpcore.layers import Operators

INT32, INT64, BOOL, FLOAT = 6, 7, 9, {"float32": 1, "float64": 11}  # TensorProto.DataType


def recurrent(g: Operators, kind: str, inputs: Sequence[str], levels: Sequence[Sequence[Mapping[str, np.ndarray]]],
              gates: Sequence[int], length: int, return_sequences: bool, **options: Any) -> str:
    """The name of the output. levels: for each, the weights of its directions by their short names. gates: in
    ONNX's order, the number of each gate in ours. options: attributes of the operator."""
    x, sizes, order = inputs[0], "", ""
    if len(inputs) > 1:
        order, sizes = _order(g, inputs[1], length, levels[0][0]["weight_ih"].dtype)
        x = g.op("MatMul", order, x)
    x = g.op("Transpose", x, perm=[1, 0, 2])
    for directions in levels:
        arrays = [g.constant(np.stack(parts)) for parts in zip(*(_arrays(p, gates) for p in directions))]
        arrays += [""] * (3 - len(arrays))
        y = g.op(kind, x, *arrays, sizes, outputs=2, hidden_size=directions[0]["weight_hh"].shape[0],
                 direction="bidirectional" if len(directions) > 1 else "forward", **options)
        x = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.constant([0, 0, -1]))
    if not return_sequences:
        return g.op("Reshape", g.op("Transpose", f"{y}_1", perm=[1, 0, 2]), g.constant([0, -1]))
    y = g.op("Transpose", x, perm=[1, 0, 2])
    return g.op("MatMul", g.op("Transpose", order, perm=[0, 2, 1]), y) if order else y


def _arrays(p: Mapping[str, np.ndarray], gates: Sequence[int]) -> list[np.ndarray]:
    """W (gates · units, features), R (gates · units, units) and B (2 · gates · units,), if there are biases."""
    def ordered(array: np.ndarray) -> np.ndarray:
        return np.concatenate([np.split(array.T, len(gates))[gate] for gate in gates])

    arrays = [ordered(p["weight_ih"]), ordered(p["weight_hh"])]
    return [*arrays, np.concatenate([ordered(p["bias_ih"]), ordered(p["bias_hh"])])] if "bias_ih" in p else arrays


def _order(g: Operators, mask: str, length: int, dtype: Any) -> tuple[str, str]:
    """(the matrix that moves valid steps to the front, (n, length, length); how many there are, (n,))."""
    valid = g.op("Cast", g.op("Cast", mask, to=BOOL), to=INT64)
    places = g.op("Mul", g.op("CumSum", valid, g.constant(np.array(1))), valid)  # from 1; 0: not valid
    places = g.op("Unsqueeze", places, g.constant([1]))
    order = g.op("Equal", places, g.constant(np.arange(1, length + 1)[:, None]))
    sizes = g.op("ReduceSum", valid, g.constant([1]), keepdims=0)
    return g.op("Cast", order, to=FLOAT[np.dtype(dtype).name]), g.op("Cast", sizes, to=INT32)
