"""numerals: numbers and dates in words and in digits, to be translated into one another.

source (11,): symbols of what is to be translated, the first one says into what: <digits> or <words>; 0 behind the end, where
mask (11,) is 0. x (11,): what has been said so far, <begin> in front; y (11,): what is to be said next, <end> last, and −1
behind it.

    <digits> forty two thousand seven        →  4 2 0 0 7 <end>
    <words> 1 9 8 4 - 0 3 - 0 9              →  ninth of march nineteen eighty four <end>

Half of all are numbers below a million, half dates from 1000 to 2999. What `test` asks never occurs in `train`, in neither
direction: a number or a date belongs to one of them by a hash of its own, but for the numbers below 100, which are `train`'s:
without them some words would never be seen.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, integer
from worker.datasets import Arrays, DataRoot, Dataset, Format

SMALL = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
         "eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
DAYS = ("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
        "sixteenth seventeenth eighteenth nineteenth twentieth").split()
MONTHS = "january february march april may june july august september october november december".split()
SYMBOLS = ["<pad>", "<begin>", "<end>", "<digits>", "<words>", *"0123456789-", *SMALL, *TENS, "hundred", "thousand", "of",
           *DAYS, *MONTHS]
NUMBER = {symbol: i for i, symbol in enumerate(SYMBOLS)}
LENGTH = 11


@dataclass(frozen=True)
class Numerals(Format):
    samples: int = integer(1000, minimum=1)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        random = rng.stream(self.seed, rng.SPLIT, 0 if self.split == "train" else 1)
        source, x = np.zeros((2, self.samples, LENGTH), np.int64)
        y = np.full((self.samples, LENGTH), -1)
        for row in range(self.samples):
            asked, said = self._pair(random)
            source[row, :len(asked)] = [NUMBER[symbol] for symbol in asked]
            y[row, :len(said)] = [NUMBER[symbol] for symbol in said]
            x[row, :len(said)] = [NUMBER["<begin>"], *y[row, :len(said) - 1]]
        return Arrays({"source": source, "mask": (source > 0).astype(np.int64), "x": x, "y": y})

    def _pair(self, random: np.random.Generator) -> tuple[list[str], list[str]]:
        """What is asked, and what is to be said."""
        words, digits = self._drawn(random)
        if random.random() < 0.5:
            return ["<digits>", *words], [*digits, "<end>"]
        return ["<words>", *digits], [*words, "<end>"]

    def _drawn(self, random: np.random.Generator) -> tuple[list[str], list[str]]:
        """A number or a date of this split, in words and in digits."""
        while True:
            is_date, size = random.random() < 0.5, random.integers(1, 7)
            value = int(random.integers(0, 2000 * 12 * 28 if is_date else 10**size))
            is_test = value * 2654435761 >> 8 & 7 == 0 and (is_date or value >= 100)
            if is_test == (self.split == "test"):
                return date(value) if is_date else (in_words(value), list(str(value)))


def in_words(value: int) -> list[str]:
    """A number below a million."""
    if value >= 1000:
        return [*in_words(value // 1000), "thousand", *(in_words(value % 1000) if value % 1000 else [])]
    if value >= 100:
        return [SMALL[value // 100], "hundred", *(in_words(value % 100) if value % 100 else [])]
    if value >= 20:
        return [TENS[value // 10 - 2], *([SMALL[value % 10]] if value % 10 else [])]
    return [SMALL[value]]


def date(value: int) -> tuple[list[str], list[str]]:
    """The value-th day among the first 28 of the months from the year 1000 on."""
    year, month, day = 1000 + value // 336, value // 28 % 12, value % 28 + 1
    ordinal = [DAYS[day - 1]] if day <= 20 else ["twenty", DAYS[day - 21]]
    century, rest = in_words(year // 100), in_words(year % 100) if year % 100 else ["hundred"]
    return [*ordinal, "of", MONTHS[month], *century, *rest], list(f"{year}-{month + 1:02}-{day:02}")
