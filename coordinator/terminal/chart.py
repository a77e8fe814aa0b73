"""Line charts in braille: eight dots a character, no terminal features needed but Unicode.

Each series is a polyline; spikes stay visible, since every point is drawn. Numbers that are not finite
leave a gap.
"""

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

COLORS = ("cyan", "yellow", "green", "magenta")
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column] of one character
Points = tuple[Sequence[float], Sequence[float]]


def chart(series: Mapping[str, Points], width: int, height: int) -> Text:
    """`series`: name → (x ascending, y). `width` × `height` characters, axes and legend included."""
    lines = {name: _finite_runs(points) for name, points in series.items()}
    points = [point for runs in lines.values() for run in runs for point in run]
    if not points:
        return Text("no points yet", style="dim")
    low, high = min(y for _, y in points), max(y for _, y in points)
    labels = [f"{value:.4g}" for value in (high, (high + low) / 2, low)]
    margin = max(map(len, labels)) + 1
    canvas = _Canvas(max(8, width - margin), max(3, height - 2))
    canvas.fit(min(x for x, _ in points), max(x for x, _ in points), low, high)
    for color, runs in zip(_colors(len(lines)), lines.values()):
        for run in runs:
            canvas.polyline(run, color)
    return _framed(canvas, labels, margin, list(lines))


def _finite_runs(points: Points) -> list[list[tuple[float, float]]]:
    """The points in runs without a number that is not finite."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(*points):
        if math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _colors(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]


def _framed(canvas: "_Canvas", labels: list[str], margin: int, names: list[str]) -> Text:
    text = Text()
    at = {0: labels[0], canvas.rows // 2: labels[1], canvas.rows - 1: labels[2]}
    for row in range(canvas.rows):
        text.append(at.get(row, "").rjust(margin - 1) + "┤" if row in at else " " * (margin - 1) + "│", style="dim")
        for column in range(canvas.columns):
            text.append(chr(0x2800 + canvas.cells[row][column]), style=canvas.colors[row][column])
        text.append("\n")
    first, last = f"{canvas.x[0]:g}", f"{canvas.x[1]:g}"
    text.append(" " * margin + first + last.rjust(canvas.columns - len(first)) + "\n", style="dim")
    text.append(" " * margin)
    for color, name in zip(_colors(len(names)), names):
        text.append("━ ", style=color)
        text.append(f"{name}   ")
    return text


class _Canvas:
    """Dots: two a character across, four down."""

    def __init__(self, columns: int, rows: int):
        self.columns, self.rows = columns, rows
        self.cells = [[0] * columns for _ in range(rows)]
        self.colors = [[""] * columns for _ in range(rows)]

    def fit(self, left: float, right: float, low: float, high: float) -> None:
        """The ranges that the canvas spans."""
        self.x, self.y = (left, right), (low, high)

    def polyline(self, points: Sequence[tuple[float, float]], color: str) -> None:
        places = [self._place(x, y) for x, y in points]
        for (x0, y0), (x1, y1) in zip(places, places[1:] or places):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for i in range(steps + 1):
                self._dot(x0 + (x1 - x0) * i // steps, y0 + (y1 - y0) * i // steps, color)

    def _place(self, x: float, y: float) -> tuple[int, int]:
        """The dot of a point; the middle where a range has no extent."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0]) if self.x[1] > self.x[0] else 0.5
        down = (self.y[1] - y) / (self.y[1] - self.y[0]) if self.y[1] > self.y[0] else 0.5
        return round(across * (2 * self.columns - 1)), round(down * (4 * self.rows - 1))

    def _dot(self, x: int, y: int, color: str) -> None:
        self.cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]
        self.colors[y // 4][x // 2] = color
