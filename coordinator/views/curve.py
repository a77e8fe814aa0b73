"""Curves for people: few enough points to draw, with every spike still in them, and how many there are.

From afar a block of the store stands for its points (store/points.py); the ranges of thinning.py are then of whole blocks.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.v1.metric_service_pb2 import Curve
from coordinator.store import points
from coordinator.store.points import LAST
from coordinator.views.thinning import extremes, thin

NEAR = 2  # blocks a range of the picture: where a block is more than such a part of it, the points themselves are looked at


@dataclass(frozen=True)
class Window:
    """Steps from `first` to `last`, both included, in at most `max_points` points a series; 0 means all."""

    first: int = 0
    last: int = LAST
    max_points: int = 0


def curves(connection: sqlite3.Connection, job_id: str, names: Sequence[str], window: Window) -> list[Curve]:
    """The named series of a job (none named: all)."""
    found = [_curve(connection, row, window) for row in chosen(connection, job_id, names)]
    for curve in found:
        curve.job_id = job_id
    return found


def chosen(connection: sqlite3.Connection, job_id: str, names: Sequence[str]) -> list[sqlite3.Row]:
    """Rows of the series that are meant and have points."""
    return [row for row in points.series(connection, job_id) if row["points"] and (not names or row["name"] in names)]


def _curve(connection: sqlite3.Connection, row: sqlite3.Row, window: Window) -> Curve:
    found = points.blocks(connection, row["id"], window.first, window.last)
    sizes = [block["points"] for block in found]  # the newest are small
    if window.max_points < 4 or not sizes or max(sizes) * NEAR * (window.max_points // 2) > sum(sizes):
        return _near(connection, row, window)
    return _afar(connection, row["name"], found, window)


def _near(connection: sqlite3.Connection, row: sqlite3.Row, window: Window) -> Curve:
    run = points.read(connection, row["id"], window.first, window.last)
    kept = run.part(thin(run.values, window.max_points))
    return _message(row["name"], kept.steps, kept.values, len(run))


def _afar(connection: sqlite3.Connection, name: str, found: list[sqlite3.Row], window: Window) -> Curve:
    """The first block and the last are cut to the window, and stand for what is left of them."""
    cut = [run.between(window.first, window.last) for run in points.in_blocks(connection, [found[0]["id"], found[-1]["id"]])]
    table = np.array([*map(points.summary, cut), *(tuple(row)[-5:] for row in found[1:-1])], float)
    table = table[[0, *range(2, len(table)), 1]]
    count, low_step, low, high_step, high = table[table[:, 0] > 0].T
    lows, highs = extremes(low, high, count, (window.max_points - 2) // 2)
    ends = [(run.steps[at], run.values[at]) for run, at in zip(cut, (0, -1)) if len(run)]
    picked = dict(sorted([*zip(low_step[lows], low[lows]), *zip(high_step[highs], high[highs]), *ends]))
    return _message(name, [int(step) for step in picked], picked.values(), int(count.sum()))


def _message(name: str, steps: Iterable[int], values: Iterable[float], total: int) -> Curve:
    return Curve(series=name, steps=steps, values=values, total_points=total)
