"""concat: several data sets as one, in their order.

    of    a list of data sets, each written as under `train:`

All must have the same fields. What the first one has learned of its samples (a vocabulary, classes), the others use; so
what only a later one has is unknown, or refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpcore.attributes import attribute
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import FORMATS, Dataset, Format


def _formats(value: object) -> tuple[Format, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError
    problems, found = [], []
    for i, each in enumerate(value):
        try:
            found.append(FORMATS.build(each))
        except InvalidInput as error:
            problems += [problem.under(f"[{i}]") for problem in error.problems]
    if problems:
        raise InvalidInput(problems)
    return tuple(found)


@dataclass(frozen=True)
class Concat(Format):
    of: tuple[Format, ...] = attribute("a list of data sets", _formats)

    def open(self, root):
        return self.open_with(root, {})

    def open_with(self, root, learned):
        parts: list[Dataset] = []
        for i, each in enumerate(self.of):
            try:
                parts.append(each.open_with(root, learned))
            except InvalidInput as error:
                raise InvalidInput([problem.under(f"of[{i}]") for problem in error.problems]) from None
            learned = learned or parts[0].learned
            if problem := _difference(i, parts[0], parts[-1]):
                raise InvalidInput([problem])
        return Joined(parts)


class Joined:
    """A Dataset."""

    def __init__(self, parts: Sequence[Dataset]):
        self._parts, self._ends = parts, np.cumsum([len(part) for part in parts])
        self.is_on_disk, self.learned = any(part.is_on_disk for part in parts), parts[0].learned
        self.fields = {name: _widest([part.fields[name] for part in parts]) for name in parts[0].fields}

    @property
    def skipped(self) -> int:
        return sum(getattr(part, "skipped", 0) for part in self._parts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, indices):
        owners = np.searchsorted(self._ends, indices, side="right")
        if len(set(owners.tolist())) <= 1:
            return self._read(int(owners[0]) if len(owners) else 0, indices)
        singles = [self._read(int(owner), indices[i:i + 1]) for i, owner in enumerate(owners)]
        return {name: np.concatenate([each[name] for each in singles]) for name in self.fields}

    def _read(self, owner: int, indices: np.ndarray):
        return self._parts[owner].read(indices - (self._ends[owner - 1] if owner else 0))


def _difference(i: int, first: Dataset, other: Dataset) -> Problem | None:
    of_first, of_other = ({name: (field.shape, field.integer) for name, field in data.fields.items()} for data in (first, other))
    if of_first == of_other:
        return None
    return Problem(f"of[{i}]", expected(f"the fields of the first one, {_listed(first)}", _listed(other)))


def _listed(data: Dataset) -> str:
    return ", ".join(f"{name} {list(field.shape)}{' integers' * field.integer}" for name, field in data.fields.items())


def _widest(fields: Sequence[Field]) -> Field:
    return replace(fields[0], classes=max(field.classes for field in fields), lowest=min(field.lowest for field in fields))
