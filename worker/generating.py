"""Text from a model of what comes next: unit after unit, each drawn by the scores behind those before it.

p ∝ exp(z / temperature), z: the model's scores behind the newest unit; at temperature 0 the likeliest one. The model sees as many
units as its input is long; where there are fewer, the rest is behind them, and a model of what comes next must not look there.
The seed decides what is drawn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcore import rng
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.logits import log_softmax
from bpcore.spec import Spec
from worker.predicting import Predictor
from worker.rollouts.player import drawn
from worker.sources.vocabulary import FIRST, UNKNOWN, Vocabulary


@dataclass(frozen=True)
class Alphabet:
    """What a model's numbers stand for; below `first` they are no text."""

    encoded: Callable[[str], Sequence[int]]
    decoded: Callable[[Sequence[int]], str]
    first: int

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


class Writer:
    """Raises InvalidInput for a model that does not say what comes next."""

    def __init__(self, predictor: Predictor):
        self._predictor, self.alphabet = predictor, Alphabet.of(predictor.learned.get("data", {}))
        _require_next(predictor.model.spec)
        given = predictor.model.spec.graph.inputs[0]
        self._field, self._length = given.field, given.shape[0]
        self._require_causal()

    def units(self, prompt: str, count: int, temperature: float, seed: int) -> Iterator[int]:
        """So many, behind the prompt. Raises InvalidInput for a prompt that the model cannot read."""
        known = list(self.alphabet.encoded(prompt))
        if not known or min(known) < 0 or UNKNOWN in known and self.alphabet.first > UNKNOWN:
            raise InvalidInput([Problem("prompt", expected("text of units that are in the training data", prompt))])
        for draw in rng.stream(seed, rng.ACTION).random((count, 1)):
            scores = self._scores(known)
            if temperature:
                known.append(int(drawn(log_softmax(scores[None] / temperature), draw)[0][0]))
            else:
                known.append(int(scores.argmax()))
            yield known[-1]

    def _scores(self, known: Sequence[int]) -> np.ndarray:
        """Of each unit to come; float64."""
        newest = known[-self._length:]
        found = self._outputs([*newest, *[0] * (self._length - len(newest))])[len(newest) - 1].astype(np.float64)
        found[:self.alphabet.first] = -np.inf
        return found

    def _outputs(self, numbers: Sequence[int]) -> np.ndarray:
        return self._predictor.model.predict(self._predictor.parameters, {self._field: np.array([numbers])})[0]

    def _require_causal(self) -> None:
        one, other = (self._outputs([number] * (self._length // 2) + [rest] * (self._length - self._length // 2))[:self._length // 2]
                      for number, rest in ((0, 0), (0, 1)))
        if not np.array_equal(one, other):
            raise InvalidInput([Problem("model", "expected outputs that come of what is before them alone (causal: true), but others' change them, too")])


def _require_next(spec: Spec) -> None:
    inputs, output = spec.graph.inputs, spec.output(spec.heads[0])
    kind = type(spec.heads[0].loss).__module__.rpartition(".")[2]
    fits = len(inputs) == 1 and inputs[0].integer and len(inputs[0].shape) == 1 and len(output) == 2 and output[0] == inputs[0].shape[0]
    if not fits or kind != "softmax_cross_entropy":
        raise InvalidInput([Problem("model", expected("one input of integers (length,), and softmax_cross_entropy of scores (length, vocabulary)",
                                                      f"{[list(each.shape) for each in inputs]}, {kind} of {list(output)}"))])
