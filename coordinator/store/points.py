"""Curves on disk: a series is a row of blocks, each with where its least and its greatest value are.

1. What comes is appended as a short block; short ones are merged once they make a whole one. So an append writes
   little, and 10⁷ points are five thousand blocks.
2. A series ascends by step and has each step once. An attempt that starts at a step takes back the points from it on;
   as they were reported they stay in the table `events`.
3. Far away only the blocks' extremes are read (views/curve.py), near by their points.
"""

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.v1.report_pb2 import Points, Report

BLOCK = 2048  # points
POINTS = "first_step, points, steps, times, numbers"  # columns that make a Run
LAST = (1 << 63) - 1  # the greatest step that SQLite can hold


@dataclass(frozen=True)
class Run:
    """Points of one series, ascending: `steps` int64, `times` (Unix seconds) and `values` float64, all of shape [n]."""

    steps: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, which: slice | np.ndarray) -> "Run":
        return Run(self.steps[which], self.times[which], self.values[which])

    def between(self, first: int, last: int) -> "Run":
        """Steps from `first` to `last`, both included."""
        return self.part(slice(*np.searchsorted(self.steps, [first, last + 1] if last < LAST else [first, last])))


EMPTY = Run(np.empty(0, np.int64), np.empty(0), np.empty(0))


def take(connection: sqlite3.Connection, job_id: str, reports: Iterable[Report]) -> None:
    """Stores what new reports say of the job's curves, in their order."""
    waiting: dict[str, list[Run]] = {}
    for report in reports:
        if report.HasField("started"):
            _append_all(connection, job_id, waiting)
            rewind(connection, job_id, report.started.first_step)
        elif report.HasField("points"):
            for name, run in _runs(report.points):
                waiting.setdefault(name, []).append(run)
    _append_all(connection, job_id, waiting)


def rewind(connection: sqlite3.Connection, job_id: str, step: int) -> None:
    """Forgets the points from `step` on."""
    for row in series(connection, job_id):
        if row["last_step"] >= step:
            cut = [block["id"] for block in blocks(connection, row["id"], step, LAST)]
            kept = _joined(connection, cut).between(0, step - 1)
            _drop(connection, cut)
            if len(kept):
                _add_block(connection, row["id"], kept)
            _recount(connection, row["id"])


def series(connection: sqlite3.Connection, job_id: str) -> list[sqlite3.Row]:
    """All of a job, in the order in which they appeared."""
    return connection.execute("SELECT * FROM series WHERE job_id = ? ORDER BY id", (job_id,)).fetchall()


def latest(connection: sqlite3.Connection, job_id: str) -> dict[str, float]:
    """Newest value of each series."""
    return {row["name"]: float(np.frombuffer(row["last_value"])[0]) for row in series(connection, job_id) if row["points"]}


def blocks(connection: sqlite3.Connection, series_id: int, first: int = 0, last: int = LAST) -> list[sqlite3.Row]:
    """Those with a step from `first` to `last`, ascending, without their points."""
    return _overlapping(connection, "SELECT blocks.* FROM blocks", series_id, first, last).fetchall()


def read(connection: sqlite3.Connection, series_id: int, first: int = 0, last: int = LAST) -> Run:
    """The points from `first` to `last`, both included."""
    rows = _overlapping(connection, f"SELECT {POINTS} FROM blocks JOIN block_points USING (id)", series_id, first, last)
    return _concatenated([EMPTY, *map(_run, rows)]).between(first, last)


def some(connection: sqlite3.Connection, series_id: int, first: int) -> Run | None:
    """The points of some blocks from the first on that begins at `first` or later; None where there are no more."""
    rows = connection.execute("SELECT id FROM blocks WHERE series_id = ? AND first_step >= ? ORDER BY first_step LIMIT 16", (series_id, first))
    run = _joined(connection, [block for block, in rows.fetchall()])
    return run if len(run) else None


def in_blocks(connection: sqlite3.Connection, ids: Iterable[int]) -> Iterator[Run]:
    """The points of these blocks, one Run each."""
    query = f"SELECT {POINTS} FROM blocks JOIN block_points USING (id) WHERE id = ?"
    return (_run(connection.execute(query, (block,)).fetchone()) for block in ids)


def gather(connection: sqlite3.Connection) -> None:
    """Curves of all reports, for a store that was made before there were blocks."""
    for job_id, in connection.execute("SELECT id FROM jobs").fetchall():
        rows = connection.execute("SELECT payload FROM events WHERE job_id = ? AND sequence > 0 ORDER BY revision", (job_id,))
        take(connection, job_id, (Report.FromString(payload) for payload, in rows))


def summary(run: Run) -> tuple[int, int, float, int, float]:
    """(how many points, step and value of the least, step and value of the greatest)."""
    if not len(run):
        return 0, 0, 0.0, 0, 0.0
    missing = np.isnan(run.values)
    low, high = np.where(missing, np.inf, run.values).argmin(), np.where(missing, -np.inf, run.values).argmax()
    return len(run), int(run.steps[low]), float(run.values[low]), int(run.steps[high]), float(run.values[high])


def _overlapping(connection: sqlite3.Connection, select: str, series_id: int, first: int, last: int) -> sqlite3.Cursor:
    before = connection.execute("SELECT max(first_step) FROM blocks WHERE series_id = ? AND first_step <= ?", (series_id, first)).fetchone()[0]
    return connection.execute(f"{select} WHERE series_id = ? AND first_step BETWEEN ? AND ? AND last_step >= ? ORDER BY first_step",
                              (series_id, first if before is None else before, last, first))


def _run(row: sqlite3.Row) -> Run:
    """Of the columns POINTS."""
    steps = np.frombuffer(row["steps"], np.int64) if row["steps"] else np.arange(row["first_step"], row["first_step"] + row["points"])
    return Run(steps, np.frombuffer(row["times"]), np.frombuffer(row["numbers"]))


def _runs(points: Points) -> Iterator[tuple[str, Run]]:
    """(series, its points) of one report."""
    steps, times = np.array(points.steps, np.int64), np.array(points.times)
    return ((column.series, Run(steps, times, np.array(column.values))) for column in points.columns)


def _append_all(connection: sqlite3.Connection, job_id: str, waiting: dict[str, list[Run]]) -> None:
    for name, runs in waiting.items():
        _append(connection, _named(connection, job_id, name), _concatenated(runs))
    waiting.clear()


def _named(connection: sqlite3.Connection, job_id: str, name: str) -> sqlite3.Row:
    """The series' row, made where there is none."""
    query = "SELECT * FROM series WHERE job_id = ? AND name = ?"
    row = connection.execute(query, (job_id, name)).fetchone()
    if row is None:
        connection.execute("INSERT INTO series (job_id, name, points, loose, last_step, last_value) VALUES (?, ?, 0, 0, -1, x'')", (job_id, name))
        row = connection.execute(query, (job_id, name)).fetchone()
    return row


def _append(connection: sqlite3.Connection, row: sqlite3.Row, run: Run) -> None:
    run = _behind(run, row["last_step"])
    if not len(run):
        return
    fresh, loose = run, row["loose"] + len(run)
    if loose >= BLOCK:
        ids = list(_loose(connection, row["id"]))
        fresh, loose = _concatenated([_joined(connection, ids), run]), loose % BLOCK
        _drop(connection, ids)
    for start in range(0, len(fresh), BLOCK):
        _add_block(connection, row["id"], fresh.part(slice(start, start + BLOCK)))
    connection.execute("UPDATE series SET points = points + ?, loose = ?, last_step = ?, last_value = ? WHERE id = ?",
                       (len(run), loose, int(run.steps[-1]), run.values[-1:].tobytes(), row["id"]))


def _behind(run: Run, step: int) -> Run:
    """Its points that come later than `step` and than all before them."""
    newest = np.maximum.accumulate(np.concatenate([[step], run.steps]))
    return run.part(run.steps > newest[:-1])


def _loose(connection: sqlite3.Connection, series_id: int) -> Iterator[int]:
    """Ids of the short blocks at the end, ascending."""
    rows = connection.execute("SELECT id, points FROM blocks WHERE series_id = ? ORDER BY first_step DESC", (series_id,))
    return reversed([row["id"] for row in itertools.takewhile(lambda row: row["points"] < BLOCK, rows)])


def _add_block(connection: sqlite3.Connection, series_id: int, run: Run) -> None:
    first, last = int(run.steps[0]), int(run.steps[-1])
    block = connection.execute(
        "INSERT INTO blocks (series_id, first_step, last_step, points, low_step, low, high_step, high) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (series_id, first, last, *summary(run))).lastrowid
    steps = b"" if last - first == len(run) - 1 else run.steps.tobytes()
    connection.execute("INSERT INTO block_points VALUES (?, ?, ?, ?)", (block, steps, run.times.tobytes(), run.values.tobytes()))


def _drop(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    connection.executemany("DELETE FROM block_points WHERE id = ?", [(block,) for block in ids])
    connection.executemany("DELETE FROM blocks WHERE id = ?", [(block,) for block in ids])


def _recount(connection: sqlite3.Connection, series_id: int) -> None:
    """Brings the series' row up to date with its blocks."""
    rows = blocks(connection, series_id)
    newest = next(in_blocks(connection, [row["id"] for row in rows[-1:]]), EMPTY)
    loose = sum(row["points"] for row in itertools.takewhile(lambda row: row["points"] < BLOCK, reversed(rows)))
    connection.execute("UPDATE series SET points = ?, loose = ?, last_step = ?, last_value = ? WHERE id = ?", (
        sum(row["points"] for row in rows), loose, int(newest.steps[-1]) if rows else -1, newest.values[-1:].tobytes(), series_id))


def _joined(connection: sqlite3.Connection, ids: Iterable[int]) -> Run:
    return _concatenated([EMPTY, *in_blocks(connection, ids)])


def _concatenated(runs: list[Run]) -> Run:
    return Run(*(np.concatenate([getattr(run, field) for run in runs]) for field in ("steps", "times", "values")))
