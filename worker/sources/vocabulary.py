"""Text as numbers. What the numbers stand for is learned from the training data, and kept as JSON.

1. 0 is padding, 1 what is not in the vocabulary, 2 the beginning, 3 the end; units follow from 4 on.
2. Characters are ordered by code point, words by how often they occur, so a vocabulary does not depend on files' order.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bpcore.errors import InvalidInput, Problem

PADDING, UNKNOWN, BEGIN, END, FIRST = 0, 1, 2, 3, 4
UNITS = ("characters", "bytes", "words", "bpe")
WORD = re.compile(r"\w+|[^\w\s]")


class Vocabulary:
    """Units by number. `learned`: what makes the same one again."""

    def __init__(self, learned: Mapping[str, Any]):
        self.learned = dict(learned)
        self._unit, units = learned["unit"], learned.get("units", ())
        self._tokenizer = _library().Tokenizer.from_str(json.dumps(learned["tokenizer"])) if self._unit == "bpe" else None
        self._units = list(units)
        self._numbers = {unit: FIRST + i for i, unit in enumerate(units)}
        self.size = FIRST + (256 if self._unit == "bytes" else self._tokenizer.get_vocab_size() if self._tokenizer else len(units))

    def encoded(self, text: str) -> np.ndarray:
        """int32 (units,)."""
        if self._unit == "bytes":
            return np.frombuffer(text.encode(), np.uint8).astype(np.int32) + FIRST
        if self._tokenizer:
            return np.array(self._tokenizer.encode(text).ids, np.int32) + FIRST
        units = text if self._unit == "characters" else WORD.findall(text)
        return np.array([self._numbers.get(unit, UNKNOWN) for unit in units], np.int32)

    def decoded(self, numbers: Iterable[int]) -> str:
        """The text, up to the first end; without padding and beginning. What is unknown is �."""
        kept: list[int] = []
        for number in numbers:
            if number == END:
                break
            kept += [int(number)] * (number not in (PADDING, BEGIN))
        if self._unit == "bytes":
            return bytes(number - FIRST for number in kept if number >= FIRST).decode(errors="replace")
        if self._tokenizer:
            return self._tokenizer.decode([number - FIRST for number in kept if number >= FIRST])
        return ("" if self._unit == "characters" else " ").join("�" if number < FIRST else self._units[number - FIRST] for number in kept)


def learn(unit: str, texts: Iterable[str], entries: int) -> Vocabulary:
    """`entries`: units at most, without the four that are always there; 0: all there are, for bpe 4096."""
    if unit == "bytes":
        return Vocabulary({"unit": unit})
    if unit == "bpe":
        return Vocabulary({"unit": unit, "tokenizer": _pairs(texts, entries or 4096)})
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text if unit == "characters" else WORD.findall(text))
    kept = sorted(counts, key=lambda each: (-counts[each], each))[:entries or None]
    return Vocabulary({"unit": unit, "units": sorted(kept) if unit == "characters" else kept})


def _pairs(texts: Iterable[str], entries: int) -> dict:
    """Byte pairs: units are sequences of bytes, joined by how often they stand side by side.

    Source: Sennrich et al., "Neural machine translation of rare words with subword units", ACL 2016, section 3.2.
    """
    library = _library()
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(vocab_size=max(entries, len(alphabet)), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())


def _library():
    try:
        import tokenizers
    except ImportError:
        raise InvalidInput([Problem("unit", "expected tokenizers to be installed for bpe: pip install 'bptrain[text]'")]) from None
    return tokenizers
