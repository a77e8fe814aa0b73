"""text: files of text in UTF-8, as numbers; the vocabulary is made of the training part alone.

    path          a file, or a folder of files
    task          next     x, y: windows of the text, and the same one unit further; integers (length,)
                  class    x, mask: a text, padded; integers (length,); y: its class, integers ()
                  pairs    source, source_mask: a text, padded; integers (length,); x: its answer with a beginning in
                           front, y: the same with an end behind, mask; integers (length + 1,)
    unit          characters, bytes, words or bpe (byte pairs; needs `pip install 'bptrain[text]'`)
    entries       units in the vocabulary at most, by how often they occur; 0: all there are, for bpe 4096
    length        units in a sample; what is longer is cut
    lowercase     true: capitals are read as small letters
    per           file or line: what one text is, where the classes are folders
    suffixes      of the files that are taken from a folder
    split, test_fraction, split_seed, stratify: as everywhere (worker/sources/split.py); a text is on one side, and
    for task next 4 KiB of lines are

Classes are folders, FOLDER/CLASS/…/file; in a single file each line is CLASS, tab, text. Texts to be predicted need none: files in
the folder itself, or lines without a tab. A pair is a line: text, tab, answer.
Numbers: 0 padding, 1 unknown, 2 beginning, 3 end, then the vocabulary: worker/sources/vocabulary.py. A mask is 1 where a
text is and 0 behind it. Windows do not overlap; what is left behind the last one is not used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpcore.attributes import choice, flag, integer, names, text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import DataRoot, Dataset
from worker.sources import labels, texts
from worker.sources.sequences import Padded, Windows
from worker.sources.split import Source
from worker.sources.texts import Piece
from worker.sources.vocabulary import BEGIN, END, UNITS, Vocabulary, learn

LEAST_BYTES = {"next": texts.PIECE_BYTES, "file": 0, "line": 1}


@dataclass(frozen=True)
class Text(Source):
    path: str = text(wants="the path of a file or folder, relative to the data root")
    task: str = choice("next", "class", "pairs")
    unit: str = choice(*UNITS)
    entries: int = integer(0)
    length: int = integer(128, minimum=1)
    lowercase: bool = flag(False)
    per: str = choice("file", "line")
    suffixes: tuple[str, ...] = names((".txt",))

    def open_with(self, root, learned):
        pieces, of_each = self._pieces(root, may_lack=bool(learned))
        rows = self.rows(len(pieces), classes=(lambda: self._names(pieces, of_each)) if self.task == "class" else None)
        pieces = [pieces[row] for row in rows]
        if self.task == "next":
            vocabulary = self._vocabulary(self._texts(pieces), learned)
            return Windows(map(vocabulary.encoded, self._texts(pieces)), self.length, vocabulary)
        if self.task == "pairs":
            return self._pairs(pieces, learned)
        return self._classes(pieces, [of_each[row] for row in rows] if of_each else of_each, learned)

    def _pieces(self, root: DataRoot, may_lack: bool) -> tuple[list[Piece], list[str] | None]:
        """What can be split, and the class of each where that is its folder: none where there are none, as there may be."""
        if self.task == "class" and root.is_folder(self.path):
            paths, of_each = labels.by_folder(root, self.path, set(self.suffixes), may_lack)
            found = [texts.pieces([path], [root.name(path)], LEAST_BYTES[self.per]) for path in paths]
            return [piece for some in found for piece in some], [each for each, some in zip(of_each, found) for _ in some]
        if self.task == "class" and may_lack:
            lines = texts.pieces([root.file(self.path)], [self.path], LEAST_BYTES["line"])
            ends = [len(line) - len(line.rstrip("\r\n")) for line in texts.read(lines) if "\t" not in line]
            return (lines, None) if len(ends) < len(lines) else ([replace(line, stop=line.stop - end) for line, end in zip(lines, ends)], [])
        paths = root.files(self.path, set(self.suffixes))
        per = "next" if self.task == "next" else "line"
        return texts.pieces(paths, [root.name(path) for path in paths], LEAST_BYTES[per]), None

    def _texts(self, pieces: Sequence[Piece]) -> Iterator[str]:
        return (each.lower() for each in texts.read(pieces)) if self.lowercase else texts.read(pieces)

    def _vocabulary(self, texts: Iterator[str], learned: dict) -> Vocabulary:
        return Vocabulary(learned["vocabulary"]) if "vocabulary" in learned else learn(self.unit, texts, self.entries)

    def _columns(self, pieces: Sequence[Piece]) -> Iterator[tuple[str, str]]:
        """Both sides of each line. Raises InvalidInput for a line without a tab."""
        for piece, line in zip(pieces, self._texts(pieces)):
            before, tab, behind = line.rstrip("\r\n").partition("\t")
            if not tab:
                raise InvalidInput([Problem("path", f"{piece.name}, line {piece.line}: " + expected("a tab between two columns", line.strip()))])
            yield before, behind

    def _names(self, pieces: Sequence[Piece], of_each: Sequence[str] | None) -> Sequence[str]:
        """The class of each."""
        return [before for before, _ in self._columns(pieces)] if of_each is None else of_each

    def _classes(self, pieces: Sequence[Piece], of_each: Sequence[str] | None, learned: dict) -> Dataset:
        def read() -> Iterator[str]:
            return (behind for _, behind in self._columns(pieces)) if of_each is None else self._texts(pieces)

        names = self._names(pieces, of_each)
        known = labels.classes(names, learned)
        vocabulary = self._vocabulary(read(), learned)
        y = np.array([known.index(name) for name in names])
        columns = {"x": (map(vocabulary.encoded, read()), self.length, "mask")}
        return Padded(columns, vocabulary, {"y": (y, Field((), True, len(known), 0))} if names else {}, {"classes": known})

    def _pairs(self, pieces: Sequence[Piece], learned: dict) -> Dataset:
        vocabulary = self._vocabulary((each for pair in self._columns(pieces) for each in pair), learned)
        source = (vocabulary.encoded(before) for before, _ in self._columns(pieces))
        answers = lambda: (vocabulary.encoded(behind)[:self.length] for _, behind in self._columns(pieces))  # noqa: E731
        columns = {"source": (source, self.length, "source_mask"),
                   "x": ((np.concatenate([[BEGIN], each]) for each in answers()), self.length + 1, ""),
                   "y": ((np.concatenate([each, [END]]) for each in answers()), self.length + 1, "mask")}
        return Padded(columns, vocabulary)
