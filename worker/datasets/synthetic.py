"""synthetic: small tasks with a known answer, generated from a seed; nothing to download.

    addition   x, y: characters of `17+25=42.` and the next ones (length,): what a causal model can learn
    classes    x: normal numbers of any `shape`, y: which of `classes` hidden directions they lie furthest along
    ratings    user (), item (): indices, y (1,): a rating from hidden factors, with noise
    reversal   source (length,), x: what the decoder has said so far, y: the source backwards
    tagging    x: words (length,), mask (length,), y: 1 where a word and the one that mirrors it agree in
               parity, else 0: needs both directions, at unequal lengths
    text       x, y: symbols and the next ones (length,): nine in ten follow from the one before
    yes_no     x: normal numbers of any `shape`, y (1,): 1 where they lie along a hidden direction, else 0

`train` and `test` draw from streams of their own; what is hidden is the same for both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from bpcore import rng
from bpcore.attributes import attribute, choice, integer, integers
from worker.datasets import Arrays, DataRoot, Dataset, Format

ALPHABET = "0123456789+=. "


def _addition(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    pairs, length = random.integers(0, 50, (task.samples, 2)), task.length
    texts = [f"{a}+{b}={a + b}.".ljust(length + 1)[:length + 1] for a, b in pairs]
    codes = np.array([[ALPHABET.index(letter) for letter in text] for text in texts])
    return {"x": codes[:, :-1], "y": codes[:, 1:]}


def _classes(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    x, directions = _numbers(random, task), _hidden(task).standard_normal((prod(task.shape), task.classes), np.float32)
    return {"x": x, "y": np.argmax(x.reshape(task.samples, -1) @ directions, axis=1)}


def _ratings(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    tastes, traits = (rng.stream(0, rng.SPLIT, 1, side).standard_normal((50, 4)) for side in (0, 1))
    user, item = random.integers(0, 50, (2, task.samples))
    noise = 0.3 * random.standard_normal(task.samples)
    rating = 3 + (tastes[user] * traits[item]).sum(axis=1) / 2 + noise
    return {"user": user, "item": item, "y": rating[:, None].astype(np.float32)}


def _reversal(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    source = random.integers(1, 20, (task.samples, task.length))
    target = source[:, ::-1]
    said = np.concatenate([np.zeros((task.samples, 1), np.int64), target[:, :-1]], axis=1)  # 0 means: begin
    return {"source": source, "x": said, "y": np.ascontiguousarray(target)}


def _tagging(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    words = random.integers(1, 40, (task.samples, task.length))
    lengths = random.integers(task.length // 2, task.length + 1, (task.samples, 1))
    places = np.arange(task.length)
    mask = (places < lengths).astype(np.int64)
    mirrored = np.take_along_axis(words, np.clip(lengths - 1 - places, 0, None), axis=1)
    return {"x": words * mask, "mask": mask, "y": (words + mirrored + 1) % 2 * mask}


def _text(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    follows, shape = _hidden(task).integers(0, task.classes, task.classes), (task.samples, task.length + 1)
    symbols, at_random = random.integers(0, task.classes, shape), random.random(shape) < 0.1
    for before, now, free in zip(symbols.T, symbols.T[1:], at_random.T[1:]):
        now[...] = np.where(free, now, follows[before])
    return {"x": np.ascontiguousarray(symbols[:, :-1]), "y": np.ascontiguousarray(symbols[:, 1:])}


def _yes_no(random: np.random.Generator, task: "Synthetic") -> dict[str, np.ndarray]:
    x, direction = _numbers(random, task), _hidden(task).standard_normal((prod(task.shape), 1), np.float32)
    return {"x": x, "y": (x.reshape(task.samples, -1) @ direction > 0).astype(np.float32)}


def _numbers(random: np.random.Generator, task: "Synthetic") -> np.ndarray:
    return random.standard_normal((task.samples, *task.shape), np.float32)


def _hidden(task: "Synthetic") -> np.random.Generator:
    """What a task's answers are made with."""
    return rng.stream(task.seed, rng.SPLIT, 3)


TASKS: dict[str, Callable[[np.random.Generator, "Synthetic"], dict[str, np.ndarray]]] = {
    "addition": _addition, "classes": _classes, "ratings": _ratings, "reversal": _reversal, "tagging": _tagging,
    "text": _text, "yes_no": _yes_no}


def _known(value: object) -> str:
    if value not in TASKS:
        raise ValueError
    return str(value)


@dataclass(frozen=True)
class Synthetic(Format):
    task: str = attribute("one of " + ", ".join(sorted(TASKS)), _known)
    samples: int = integer(1000, minimum=1)
    length: int = integer(12, minimum=2)
    shape: tuple[int, ...] = integers((8,), minimum=1)
    classes: int = integer(10, minimum=2)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        part = 0 if self.split == "train" else 1
        return Arrays(TASKS[self.task](rng.stream(self.seed, rng.SPLIT, 2, part), self))
