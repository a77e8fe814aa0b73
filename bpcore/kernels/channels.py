"""Channels that lie side by side, some rows of them taken together as one long row, beside which the numbers of each
channel stand as often as it has places there: loops of hundreds of numbers, whatever the channels."""

import numpy as np

from bpcore.kernels.compiled import helper

ROW = 512  # numbers, at least


@helper
def long_row(channels):
    """Numbers of so many whole rows that they are at least ROW."""
    return -(-ROW // channels) * channels


@helper
def repeated(numbers, kind):
    """Each channel's number in all places of a long row of that kind of number."""
    row = np.empty(long_row(len(numbers)), kind.dtype)
    for i in range(0, len(row), len(numbers)):
        for c in range(len(numbers)):
            row[i + c] = numbers[c]
    return row


@helper
def folded(row, channels):
    """The sum over each channel's places, in float64."""
    total = np.zeros(channels)
    for i in range(0, len(row), channels):
        for c in range(channels):
            total[c] += row[i + c]
    return total
