"""What the numbers of a model of what comes next stand for, and which models are such."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.spec import Spec
from worker.sources.vocabulary import FIRST, UNKNOWN, Vocabulary


@dataclass(frozen=True)
class Alphabet:
    """Numbers below `first` are no text."""

    encoded: Callable[[str], Sequence[int]]
    decoded: Callable[[Sequence[int]], str]
    first: int

    def numbers(self, prompt: str) -> list[int]:
        """Raises InvalidInput for a prompt that the model cannot read."""
        known = list(self.encoded(prompt))
        if not known or min(known) < 0 or UNKNOWN in known and self.first > UNKNOWN:
            raise InvalidInput([Problem("prompt", expected("text of units that are in the training data", prompt))])
        return known

    @classmethod
    def of(cls, learned: Mapping[str, Any]) -> "Alphabet":
        """Raises InvalidInput where the training data was no text."""
        if "vocabulary" in learned:
            vocabulary = Vocabulary(learned["vocabulary"])
            return cls(lambda text: vocabulary.encoded(text).tolist(), vocabulary.decoded, FIRST)
        if "characters" in learned:
            known = {character: number for number, character in enumerate(learned["characters"])}
            return cls(lambda text: [known.get(character, -1) for character in text],
                       lambda numbers: "".join(learned["characters"][number] for number in numbers), 0)
        raise InvalidInput([Problem("job", "expected a job whose training data is text, with what it has learned of it in its checkpoint")])


def require_next(spec: Spec) -> None:
    """Raises InvalidInput."""
    inputs, output = spec.graph.inputs, spec.output(spec.heads[0])
    kind = type(spec.heads[0].loss).__module__.rpartition(".")[2]
    fits = len(inputs) == 1 and inputs[0].integer and len(inputs[0].shape) == 1 and len(output) == 2 and output[0] == inputs[0].shape[0]
    if not fits or kind != "softmax_cross_entropy":
        raise InvalidInput([Problem("model", expected("one input of integers (length,), and softmax_cross_entropy of scores (length, vocabulary)",
                                                      f"{[list(each.shape) for each in inputs]}, {kind} of {list(output)}"))])
