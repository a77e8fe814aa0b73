"""Every layer against its witness, on every case that its file brings: outputs and all gradients."""

from dataclasses import replace

import pytest

from bpcore.errors import ShapeError
from bpcore.layers import LAYERS
from bpcore.layers.time_distributed import TimeDistributed
from bpcore.layers.transformer_block import TransformerBlock

CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in LAYERS.types.items() for i, case in enumerate(kind.cases())]


def quiet(case):
    """In evaluation, if it would draw inside another layer, by a stream that is that layer's own business."""
    return replace(case, training=False) if isinstance(case.layer, (TransformerBlock, TimeDistributed)) else case


@pytest.mark.parametrize("case", CASES)
def test_every_case_of_a_layer_is_its_witness(agrees, case):
    case = quiet(case)
    agrees(case.layer, *case.inputs, batch=case.batch, training=case.training, integers=case.integers)


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_inputs_are_the_witness_s_or_refused_in_words(agrees, case):
    """Images of 1 × 1, sequences of one step, one feature, one sample."""
    case, tiny = quiet(case), [(1,) * len(shape) for shape in case.inputs]
    try:
        case.layer.output_shape(*tiny)
    except ShapeError as refused:
        assert str(refused).startswith("expected ")
    else:
        agrees(case.layer, *tiny, batch=1, training=case.training, integers=case.integers)
