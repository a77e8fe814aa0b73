"""A sample and what its numbers contribute, side by side, in characters that every terminal has.

Left the sample, from blank to @. Right the contributions, relative to the largest: ' + # for what speaks for the
output, . - = for what speaks against it, blank for little. A sample of several channels is their mean and their sum.
"""

from collections.abc import Iterator

import numpy as np

INK, FOR, AGAINST = " .:-=+*#%@", " '+#", " .-="


def picture(sample: np.ndarray, contributions: np.ndarray) -> Iterator[str]:
    """Lines. Both: (features,), (height, width) or (height, width, channels)."""
    if sample.ndim > 3:
        sample, contributions = sample.reshape(-1), contributions.reshape(-1)
    if sample.ndim == 3:
        sample, contributions = sample.mean(axis=-1), contributions.sum(axis=-1)
    shares = contributions / (np.abs(contributions).max() or 1)
    if sample.ndim == 1:
        yield from (f"{i:>4}  {value:10.4g}  {given:+10.4g}  {_bar(share)}" for i, (value, given, share) in enumerate(zip(sample, contributions, shares)))
        return
    low, high = sample.min(), sample.max()
    ink = (sample - low) / (high - low or 1)
    for row, given in zip(ink, shares):
        left = "".join(2 * INK[min(int(value * len(INK)), len(INK) - 1)] for value in row)
        yield f"{left}  |  {''.join(2 * _sign(share) for share in given)}".rstrip()


def _sign(share: float) -> str:
    marks = FOR if share > 0 else AGAINST
    return marks[min(int(abs(share) * len(marks)), len(marks) - 1)]


def _bar(share: float) -> str:
    return (FOR if share > 0 else AGAINST)[-1] * round(20 * abs(share))
