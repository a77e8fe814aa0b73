"""Starting from parameters that were trained before: ours, or a PyTorch state dict.

1. A name map says whose array becomes whose: our name → their name, with * standing for the same text on
   both sides. Names that are not in the map are their own.
2. Arrays of PyTorch lie in another order of axes; each layer says which (`Layer.torch_axes`).
3. Nothing is matched by shape alone: what has the right name and another shape is a problem, said before
   training.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bpcore.arena import Vector
from bpcore.errors import Problem, expected
from bpcore.graph import Graph
from bpcore.shapes import describe


@dataclass(frozen=True)
class Match:
    """What a set of arrays means for a model. `arrays`: our name → the array in our order of axes;
    `missing`: our names that keep their fresh values; `unused`: their names that nothing takes."""

    arrays: dict[str, np.ndarray]
    missing: list[str]
    unused: list[str]
    problems: list[Problem] = field(default_factory=list)

    def apply(self, parameters: Vector) -> None:
        """Writes the matched arrays into `parameters`."""
        views = parameters.named()
        for name, array in self.arrays.items():
            views[name][...] = array


def match(graph: Graph, theirs: Mapping[str, np.ndarray], names: Mapping[str, str], torch: bool) -> Match:
    """Finds each of our parameters among `theirs`. `torch`: the arrays are in PyTorch's order of axes."""
    found, missing, problems, used = {}, [], [], set()
    for slot in graph.layout().slots:
        source = _their_name(slot.full_name, names)
        if source not in theirs:
            missing.append(slot.full_name)
            continue
        used.add(source)
        axes = graph.nodes[slot.node].layer.torch_axes.get(slot.name) if torch else None
        array = theirs[source] if axes is None or theirs[source].ndim != len(axes) else theirs[source].transpose(axes)
        if array.shape == slot.shape:
            found[slot.full_name] = array
        else:
            problems.append(Problem("", expected(f"{slot.full_name} of shape {describe(slot.shape)}", describe(array.shape),
                                                 f'"{source}" does not fit; leave it out with a name map, or change the layer')))
    return Match(found, missing, [name for name in theirs if name not in used], problems)


def _their_name(ours: str, names: Mapping[str, str]) -> str:
    """The name to look for: the first pattern of the map that matches decides."""
    for pattern, target in names.items():
        if pattern == ours:
            return target
        if "*" in pattern and fnmatch.fnmatchcase(ours, pattern):
            before, _, behind = pattern.partition("*")
            return target.replace("*", ours[len(before):len(ours) - len(behind)], 1)
    return ours
