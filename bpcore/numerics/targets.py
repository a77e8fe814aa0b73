"""What losses and metrics ask of targets, in one wording.

1. Numbers have the output's shape; the last axis may be left away where it is 1.
2. Labels of an output (…, classes) are integers (…) in [0, classes). `ignored` is one label, inside or
   outside that range, whose elements count nothing.
3. Yes/no targets of an output have its shape, as numbers do: 1 is yes, 0 is no. For metrics of several
   outputs they are integers, so that a distribution is not taken for answers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcore.attributes import attribute, is_number
from bpcore.errors import expected
from bpcore.fields import Field
from bpcore.shapes import Shape, describe


def ignored_label() -> Any:
    """The attribute `ignored`: an integer label, or none."""
    return attribute("an integer label", _label, None)


def _label(value: Any) -> int | None:
    if value is not None and (not is_number(value) or value != int(value)):
        raise ValueError
    return None if value is None else int(value)


def number_problem(output: Shape, targets: Field) -> str | None:
    """Unless there is one number for each output."""
    if _same(output, targets):
        return None
    return expected(f"targets of the output's shape {describe(output)}", describe(targets.shape))


def yes_no_problem(output: Shape, targets: Field, ignored: int | None = None) -> str | None:
    """Unless there is one number in [0, 1] for each output."""
    if problem := number_problem(output, targets):
        return problem
    if targets.integer and targets.lowest < 0 and targets.lowest != ignored:
        return expected("targets in [0, 1]", targets.lowest)
    if targets.integer and targets.classes > 2 and targets.classes - 1 != ignored:
        return expected("targets in [0, 1]", targets.classes - 1)
    return None


def label_problem(output: Shape, targets: Field, ignored: int | None = None, otherwise: str = "") -> str | None:
    """Unless there is one label in range for each place. `otherwise`: what else would do, in words."""
    if not targets.integer or targets.shape != output[:-1]:
        wants = "one integer label a sample" if len(output) == 1 else f"integer labels {describe(output[:-1])}{otherwise}"
        return expected(wants, described(targets))
    if targets.lowest < 0 and targets.lowest != ignored:
        return expected("labels from 0 on", targets.lowest, f"name the label to leave out: ignored: {targets.lowest}")
    if targets.classes > output[-1] and ignored != targets.classes - 1:
        return expected(f"labels 0 … {output[-1] - 1}, as the model ends in {output[-1]} classes",
                        targets.classes - 1, f"end the model in linear: {{units: {targets.classes}}}")
    return None


def class_problem(output: Shape, targets: Field, ignored: int | None = None) -> str | None:
    """Unless there are labels, or yes/no targets: for an output of one, or integers of the output's shape."""
    if not output:
        return expected("an output of (…, classes)", describe(output))
    if output[-1] == 1 or targets.integer and targets.shape == output:
        return yes_no_problem(output, targets, ignored)
    return label_problem(output, targets, ignored)


def _same(output: Shape, targets: Field) -> bool:
    return targets.shape == output or output[-1:] == (1,) and targets.shape == output[:-1]


def described(targets: Field) -> str:
    """`(5,) integers`, or `one number`, as error messages write it; with brackets, as it is no text."""
    if not targets.shape:
        return "(one integer)" if targets.integer else "(one number, not an integer)"
    return describe(targets.shape) + (" integers" if targets.integer else " numbers")


def matched(targets: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The targets in shape and dtype of the output."""
    if targets.shape == output.shape and targets.dtype == output.dtype:
        return targets
    return targets.reshape(output.shape).astype(output.dtype, copy=False)


def usable(labels: np.ndarray, ignored: int | None) -> np.ndarray:
    """Labels that can index, with 0 for the ignored one."""
    return labels if ignored is None else np.where(labels == ignored, 0, labels)


def label_weights(labels: np.ndarray, class_weights: Sequence[float], ignored: int | None) -> np.ndarray | None:
    """What each element counts: its label's weight, and the ignored one 0. None: all 1."""
    if not class_weights and ignored is None:
        return None
    weights = np.asarray(class_weights)[usable(labels, ignored)] if class_weights else np.ones(labels.shape)
    return weights if ignored is None else np.where(labels == ignored, 0, weights)


def kept(targets: np.ndarray, weights: np.ndarray | None, ignored: int | None) -> np.ndarray | None:
    """`weights`, and 0 for the ignored label, in the shape of the targets. None: all 1."""
    if weights is None and ignored is None:
        return None
    whole = np.ones(targets.shape)
    if weights is not None:
        whole *= weights.reshape(weights.shape + (1,) * (targets.ndim - weights.ndim))
    return whole if ignored is None else np.where(targets == ignored, 0, whole)


def vectors_problem(output: Shape, what: str, count: int) -> str | None:
    """Unless the output ends in (count, features), the vectors that a loss compares."""
    if len(output) < 2 or output[-2] != count:
        return expected(f"the model to end in (…, {count}, features): {what}", describe(output),
                        "put them on one axis with reshape")
    return None


def pair_problem(output: Shape, targets: Field) -> str | None:
    """Unless there is one number for each pair: 1 together, 0 or −1 apart."""
    if targets.shape != output[:-2]:
        wants = "one number a sample" if len(output) == 2 else f"numbers {describe(output[:-2])}"
        return expected(wants, describe(targets.shape))
    return sign_problem(targets)


def sign_problem(targets: Field) -> str | None:
    """Unless integers are 1 for yes and 0 or −1 for no."""
    if targets.integer and (targets.lowest < -1 or targets.classes > 2):
        came = targets.lowest if targets.lowest < -1 else targets.classes - 1
        return expected("targets 1 for yes, 0 or −1 for no", came)
    return None
