"""Text from a model of what comes next: unit after unit, each drawn by the scores behind those before it.

p ∝ exp(z / temperature), z: the model's scores behind the newest unit; at temperature 0 the likeliest one. The model sees as many
units as its input is long; where there are fewer, the rest is behind them, and a model of what comes next must not look there.
The seed decides what is drawn.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from bpcore import rng
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.numerics.logits import log_softmax
from worker.inference.alphabet import Alphabet, require_next
from worker.inference.predicting import Predictor
from worker.rollouts.player import drawn


HALF = "\N{REPLACEMENT CHARACTER}"  # what a character is decoded to whose units are not all there


class Writer:
    """Raises InvalidInput for a model that does not say what comes next."""

    @classmethod
    def tried(cls, predictor: Predictor) -> "Writer":
        """The same for a model that does not look at what is behind, either."""
        writer = cls(predictor)
        writer._require_causal()
        return writer

    def __init__(self, predictor: Predictor):
        self._predictor, self.alphabet = predictor, Alphabet.of(predictor.learned.get("data", {}))
        require_next(predictor.model.spec)
        given = predictor.model.spec.graph.inputs[0]
        self._field, self._length = given.field, given.shape[0]

    def units(self, prompt: str, count: int, temperature: float, seed: int) -> Iterator[int]:
        """So many, behind the prompt. Raises InvalidInput for a prompt that the model cannot read."""
        known = self.alphabet.numbers(prompt)
        for draw in rng.stream(seed, rng.ACTION).random((count, 1)):
            scores = self._scores(known)
            if temperature:
                known.append(int(drawn(log_softmax(scores[None] / temperature), draw)[0][0]))
            else:
                known.append(int(scores.argmax()))
            yield known[-1]

    def text(self, prompt: str, count: int, temperature: float, seed: int) -> Iterator[str]:
        """The same as text, piece by piece. Raises InvalidInput."""
        if not 0 <= temperature < math.inf:
            raise InvalidInput([Problem("temperature", expected("a number of at least 0", temperature))])
        yield from pieces(self.units(prompt, count, temperature, seed), self.alphabet.decoded)

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


def pieces(units: Iterable[int], decoded: Callable[[Sequence[int]], str]) -> Iterator[str]:
    """What units stand for, as they come. A character of several units comes whole."""
    numbers, told = [], ""
    for unit in units:
        numbers.append(unit)
        found = decoded(numbers).rstrip(HALF)
        if len(found) > len(told):
            yield found[len(told):]
            told = found
    if rest := decoded(numbers)[len(told):]:
        yield rest
