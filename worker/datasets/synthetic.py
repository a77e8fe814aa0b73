"""synthetic: small tasks with a known answer, generated from a seed; nothing to download.

    tagging    x: words (length,), mask (length,), y: 1 where a word and the one that mirrors it agree in
               parity, else 0: needs both directions, at unequal lengths
    addition   x, y: characters of `17+25=42.` and the next ones (length,): what a causal model can learn
    reversal   source (length,), x: what the decoder has said so far, y: the source backwards
    ratings    user (), item (): indices, y (1,): a rating from hidden factors, with noise

`train` and `test` draw from streams of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import attribute, choice, integer
from worker.datasets import Arrays, DataRoot, Dataset, Format

ALPHABET = "0123456789+=. "


def _tagging(random: np.random.Generator, n: int, length: int) -> dict[str, np.ndarray]:
    words = random.integers(1, 40, (n, length))
    lengths = random.integers(length // 2, length + 1, (n, 1))
    places = np.arange(length)
    mask = (places < lengths).astype(np.int64)
    mirrored = np.take_along_axis(words, np.clip(lengths - 1 - places, 0, None), axis=1)
    return {"x": words * mask, "mask": mask, "y": (words + mirrored + 1) % 2 * mask}


def _addition(random: np.random.Generator, n: int, length: int) -> dict[str, np.ndarray]:
    pairs = random.integers(0, 50, (n, 2))
    texts = [f"{a}+{b}={a + b}.".ljust(length + 1)[:length + 1] for a, b in pairs]
    codes = np.array([[ALPHABET.index(letter) for letter in text] for text in texts])
    return {"x": codes[:, :-1], "y": codes[:, 1:]}


def _reversal(random: np.random.Generator, n: int, length: int) -> dict[str, np.ndarray]:
    source = random.integers(1, 20, (n, length))
    target = source[:, ::-1]
    said = np.concatenate([np.zeros((n, 1), np.int64), target[:, :-1]], axis=1)  # 0 means: begin
    return {"source": source, "x": said, "y": np.ascontiguousarray(target)}


def _ratings(random: np.random.Generator, n: int, length: int) -> dict[str, np.ndarray]:
    tastes, traits = (rng.stream(0, rng.SPLIT, 1, side).standard_normal((50, 4)) for side in (0, 1))
    user, item = random.integers(0, 50, (2, n))
    noise = 0.3 * random.standard_normal(n)
    rating = 3 + (tastes[user] * traits[item]).sum(axis=1) / 2 + noise
    return {"user": user, "item": item, "y": rating[:, None].astype(np.float32)}


TASKS: dict[str, Callable[[np.random.Generator, int, int], dict[str, np.ndarray]]] = {
    "addition": _addition, "ratings": _ratings, "reversal": _reversal, "tagging": _tagging}


def _known(value: object) -> str:
    if value not in TASKS:
        raise ValueError
    return str(value)


@dataclass(frozen=True)
class Synthetic(Format):
    task: str = attribute("one of " + ", ".join(sorted(TASKS)), _known)
    samples: int = integer(1000, minimum=1)
    length: int = integer(12, minimum=2)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        part = 0 if self.split == "train" else 1
        return Arrays(TASKS[self.task](rng.stream(self.seed, rng.SPLIT, 2, part), self.samples, self.length))
