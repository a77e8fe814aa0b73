"""Which rule each parameter is updated by, and where the flat vector may be cut between those who update it.

1. A cell is the finest part that anyone works on: about CELL numbers, counted from the start of each parameter,
   the gap behind it included; whole rows of a sparse one. Sums over cells do not depend on who makes them.
2. A border is where one owner's part may end and another's begin: the start of any cell, but for parameters
   whose update looks at the whole of them (trust, max norm), which are never cut.
3. Every border is a multiple of LINE numbers, so that no two owners write one line of memory.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.arena import LINE, Layout, Slot
from bpcore.spec import Spec

CELL = 1024  # numbers; a multiple of LINE


@dataclass(frozen=True)
class Rule:
    """What happens to a parameter in every update. `momentum`: of a running statistic; None for what is trained.
    `trusted`: its step is scaled by norms of the whole of it; `max_norm`: of each unit's weights, 0: any. `row`:
    how many numbers are left alone together where none has a gradient; 0: each is trained always."""

    momentum: float | None = None
    frozen_epochs: float = 0
    learning_rate_scale: float = 1.0
    weight_decay: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    trusted: bool = False
    max_norm: float = 0.0
    row: int = 0

    def trains(self, epoch: int) -> bool:
        return self.momentum is None and epoch >= self.frozen_epochs

    @property
    def looks_at_all(self) -> bool:
        """Whether it must see its parameter whole."""
        return self.trusted or self.max_norm > 0

    @property
    def cell(self) -> int:
        """Numbers in a cell."""
        least = math.lcm(LINE, self.row or 1)
        return least * max(1, CELL // least)


def rule(slot: Slot, spec: Spec) -> Rule:
    """By the regularization, and the groups that match the parameter's name."""
    if slot.momentum is not None:
        return Rule(slot.momentum)
    extra = spec.regularization
    matched = [group for group in spec.groups if group.matches(slot.full_name)]
    excluded, is_matrix = extra.excludes(slot.full_name), len(slot.shape) > 1
    decay = 0.0 if excluded else spec.optimizer.decay + extra.weight_decay
    for group in matched:
        decay = decay if group.weight_decay is None else group.weight_decay
    last = matched[-1] if matched else None
    frozen_epochs = 0 if last is None else math.inf if last.frozen else last.frozen_epochs
    return Rule(frozen_epochs=frozen_epochs, learning_rate_scale=last.learning_rate_scale if last else 1.0,
                weight_decay=decay, l1=0.0 if excluded else extra.l1, l2=0.0 if excluded else extra.l2,
                trusted=spec.optimizer.uses_trust and is_matrix, max_norm=extra.max_norm if is_matrix and not excluded else 0.0,
                row=slot.shape[-1] if slot.sparse else 0)


@dataclass(frozen=True)
class Segment:
    """Neighbouring parameters of one rule, gaps included. `slot`: the number of the first."""

    place: slice
    rule: Rule
    slot: int


def segments(layout: Layout, rules: Sequence[Rule], apart: bool) -> Iterator[Segment]:
    """The whole vector. With `apart` each parameter is by itself, as those always are whose extent matters."""
    first = 0
    for i, own in enumerate(rules):
        last = i + 1 == len(rules)
        if last or apart or own.looks_at_all or own.row or rules[i + 1] != own:
            yield Segment(slice(layout.slots[first].offset, layout.size if last else layout.slots[i + 1].offset), own, first)
            first = i + 1


def cells(layout: Layout, rules: Sequence[Rule]) -> np.ndarray:
    """Where the cells begin, and the vector's end; int64."""
    return _starts(layout, [own.cell for own in rules])


def borders(layout: Layout, rules: Sequence[Rule]) -> np.ndarray:
    """Where the vector may be cut, both ends included; int64, ascending."""
    return _starts(layout, [layout.size if own.looks_at_all else own.cell for own in rules])


def _starts(layout: Layout, steps: Sequence[int]) -> np.ndarray:
    ends = [slot.offset for slot in layout.slots[1:]] + [layout.size]
    parts = [np.arange(slot.offset, end, step) for slot, end, step in zip(layout.slots, ends, steps)]
    return np.unique(np.concatenate([[0], *parts, [layout.size]]).astype(np.int64))
