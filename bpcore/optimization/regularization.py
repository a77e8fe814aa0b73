"""What is added to plain gradient descent: penalties, clipping, settings by name pattern."""

import fnmatch
from dataclasses import dataclass

from bpcore.attributes import attribute, flag, integer, is_number, names, number, text


@dataclass(frozen=True)
class Regularization:
    """Of every parameter but those whose names match `exclude` (patterns as in a shell, such as *.bias).

    l1, l2: g ← g + l1 · sign(p) + l2 · p. weight_decay: d ← d + weight_decay · p, decoupled from the
    gradient (Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019). max_norm: a unit's
    incoming weights are scaled back to this Euclidean norm after an update (Srivastava et al., JMLR 15,
    2014, section 5.1); 0: not. It applies to arrays of two axes or more; the last axis is the units', but for embeddings and
    transposed linear layers, each of whose rows is one.
    """

    l1: float = number(0.0, minimum=0)
    l2: float = number(0.0, minimum=0)
    weight_decay: float = number(0.0, minimum=0)
    max_norm: float = number(0.0, minimum=0)
    exclude: tuple[str, ...] = names(())

    def excludes(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.exclude)


@dataclass(frozen=True)
class Clipping:
    """Of the mean gradient, in this order; 0: not.

    value: each number into [−value, value]. norm: each parameter's gradient to this Euclidean norm at
    most. global_norm: the whole gradient to this norm at most (Pascanu et al., "On the difficulty of
    training recurrent neural networks", ICML 2013).
    """

    value: float = number(0.0, minimum=0)
    norm: float = number(0.0, minimum=0)
    global_norm: float = number(0.0, minimum=0)


@dataclass(frozen=True)
class Group:
    """Settings of the parameters whose names match `match`; a later group overrides an earlier one.

    `weight_decay` replaces the optimizer's and the regularization's. Frozen parameters never change;
    `frozen_epochs` thaws them after so many epochs.
    """

    match: str = text(wants="a pattern of parameter names, such as *.bias")
    learning_rate_scale: float = number(1.0, minimum=0)
    weight_decay: float | None = attribute("a number ≥ 0", lambda value: _non_negative(value), None)
    frozen: bool = flag(False)
    frozen_epochs: int = integer(0)

    def matches(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self.match)


def _non_negative(value: object) -> float:
    if not is_number(value) or value < 0:
        raise ValueError
    return float(value)
