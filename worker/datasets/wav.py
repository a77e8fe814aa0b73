"""wav: sounds as features by frame, with a transcript or a class each; read when asked for.

    path          a folder of sounds: WAV, FLAC or Ogg
    transcripts   a file of lines: sound (relative to the folder), tab, text [, tab, group]; left out: the sounds lie in
                  folders named like their classes, FOLDER/CLASS/…/sound
    seconds       what all are padded to; none may be longer
    rate          samples a second that all must have
    features      log_mel, mfcc, or samples (as they are)
    window_s, hop_s, bands, coefficients: of the features (worker/sources/sounds.py)
    normalise     false: features are not brought to mean 0 and deviation 1 in each sound
    split, test_fraction, split_seed, stratify, on_bad: as everywhere (worker/sources/split.py); where transcripts
    have groups (such as speakers), a group is on one side

Fields: x, (frames, bands or coefficients), or (samples, 1); mask, integers (frames,), 1 where the sound is; y, the class
(), or the characters of the text, from 1 on as `ctc` takes them, and −1 behind the end (length of the longest,).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpcore.attributes import choice, flag, integer, number, text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import DataRoot
from worker.sources import labels, sounds
from worker.sources.lazy import Files, Lazy
from worker.sources.sounds import Features
from worker.sources.split import Source


@dataclass(frozen=True)
class Wav(Source):
    path: str = text(wants="the path of a folder of sounds, relative to the data root")
    seconds: float = number(above=0)
    transcripts: str = text("", wants="the path of a file, relative to the data root")
    rate: int = integer(16000, minimum=1)
    features: str = choice("log_mel", "mfcc", "samples")
    window_s: float = number(0.025, above=0)
    hop_s: float = number(0.01, above=0)
    bands: int = integer(40, minimum=1)
    coefficients: int = integer(13, minimum=1)
    normalise: bool = flag(True)

    def open_with(self, root, learned):
        names, said, groups = self._listed(root, bool(learned))
        rows = self.rows(len(names), (lambda: groups) if groups else None, (lambda: said) if said and not self.transcripts else None)
        paths = [root.file(names[row]) for row in rows]
        files = Files.of(paths, [names[row] for row in rows])
        if self.on_bad == "fail" and (problems := sounds.problems(files, self.rate, self._most)):
            raise InvalidInput(problems)
        frames, width = self._shape
        fields = {"x": Field((frames, width)), "mask": Field((frames,), True, 2, 0)}
        if not said:
            return Lazy(fields, len(rows), lambda index: self._sample(files, index), learned, self.on_bad == "skip")
        said = [said[row] for row in rows]
        y, fields["y"], learned = _characters(said, files.names, learned) if self.transcripts else _classes(said, learned)
        return Lazy(fields, len(rows), lambda index: self._sample(files, index) | {"y": y[index]}, learned, self.on_bad == "skip")

    def elsewhere(self, path):
        return replace(super().elsewhere(path), transcripts="")

    def _listed(self, root: DataRoot, may_lack: bool) -> tuple[list[str], list[str], list[str]]:
        """(files, what is said in each, its group; none where they have none)."""
        if not self.transcripts:
            paths, classes = labels.by_folder(root, self.path, sounds.SUFFIXES, may_lack)
            return [root.name(path) for path in paths], classes, []
        folder = root.name(root.folder(self.path))
        lines = root.file(self.transcripts, "transcripts").read_text().splitlines()
        columns = [line.split("\t") for line in lines]
        bad = [i for i, each in enumerate(columns) if len(each) not in (2, 3) or len(each) != len(columns[0])]
        if bad or not lines:
            line = lines[bad[0]] if bad else ""
            raise InvalidInput([Problem("transcripts", f"{self.transcripts}, line {(bad or [0])[0] + 1}: "
                                        + expected("a sound, a tab, what is said [, a tab, a group]", line))])
        return [f"{folder}/{each[0]}" for each in columns], [each[1] for each in columns], [each[2] for each in columns if len(each) == 3]

    @property
    def _most(self) -> int:
        """Samples in a sound."""
        return round(self.seconds * self.rate)

    @property
    def _features(self) -> Features:
        window, hop = (max(1, round(seconds * self.rate)) for seconds in (self.window_s, self.hop_s))
        return Features(self.rate, window, hop, self.bands, self.coefficients if self.features == "mfcc" else 0)

    @property
    def _shape(self) -> tuple[int, int]:
        samples = self._most
        return (samples, 1) if self.features == "samples" else (self._features.frames(samples), self._features.width)

    def _sample(self, files: Files, index: int) -> dict[str, np.ndarray]:
        sound = sounds.decoded(files, index, self.rate, self._most)
        found = sound[:, None] if self.features == "samples" else self._features.of(sound)
        found = sounds.normalised(found) if self.normalise and self.features != "samples" else found
        x, mask = np.zeros(self._shape, np.float32), np.zeros(self._shape[0], np.int64)
        x[:len(found)], mask[:len(found)] = found, 1
        return {"x": x, "mask": mask}


def _classes(names: Sequence[str], learned: dict) -> tuple[np.ndarray, Field, dict]:
    known = labels.classes(names, learned)
    return np.array([known.index(name) for name in names]), Field((), True, len(known), 0), {"classes": known}


def _characters(said: Sequence[str], names: Sequence[str], learned: dict) -> tuple[np.ndarray, Field, dict]:
    """Labels from 1 on, 0 being the blank of ctc. Raises InvalidInput for characters that the training data lacks."""
    known = learned.get("characters", sorted(set("".join(said))))
    numbers = {character: i for i, character in enumerate(known, 1)}
    strange = [(name, set(text) - set(known)) for name, text in zip(names, said) if set(text) - set(known)]
    if strange:
        name, characters = strange[0]
        raise InvalidInput([Problem("transcripts", f"{name}: " + expected("characters that the training data has", min(characters)))])
    y = np.full((len(said), max(map(len, said))), -1)
    for row, text in zip(y, said):
        row[:len(text)] = [numbers[character] for character in text]
    return y, Field((y.shape[1],), True, len(known) + 1, int(y.min())), {"characters": known}
