"""A function a layer, by the layer's name: its output in PyTorch, which differentiates it.

`WITNESSES[name](how, *inputs, **parameters)`; inputs (n, …) and parameters are tensors as bpcore has them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from witnesses.layers import activations, attention, convolution, normalization, pooling, positions, recurrence, structure

FAMILIES = (activations, attention, convolution, normalization, pooling, positions, recurrence, structure)
WITNESSES = {name: function for family in FAMILIES for name, function in family.WITNESSES.items()}
# Not in PyTorch, or not with all options: written from the formula, and differentiated there. The rest is PyTorch's own.
WHOSE = {name: "formula" for name in ("leaky_integrate_and_fire", "rotary_embedding", "sinusoidal_embedding", "squeeze_excite", "time_distributed")}
WHOSE |= {name: "PyTorch, formula" for name in ("gru", "lstm", "multi_head_attention", "rnn", "transformer_block")}


@dataclass(frozen=True)
class How:
    """What a layer is beside its arrays: its attributes, whether it trains, and its stream of random numbers."""

    layer: Any
    training: bool = True
    draw: Any = None
    dtype: type = np.float64
