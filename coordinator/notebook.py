"""A job's curves in a notebook's cell, drawn anew while it trains.

    from coordinator import Client
    from coordinator.notebook import follow

    client = Client("127.0.0.1:7421")
    job = client.submit("job.yaml")
    follow(client, job.id)             # until the job has ended; interrupting it leaves the job running

The picture is SVG text: no library draws it. IPython is needed only to replace it, and every notebook has that.
"""

import html
import math
import time
from collections.abc import Mapping, Sequence

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.jobs import states

COLORS = ("#0b7285", "#e67700", "#2b8a3e", "#862e9c")
WIDTH, HEIGHT, MARGIN = 640, 240, 50
POINTS = 400  # a series
REDRAW_S = 0.5

Points = tuple[Sequence[float], Sequence[float]]


class Picture:
    """What a cell shows: a title and curves. `series`: name → (x ascending, y)."""

    def __init__(self, title: str, series: Mapping[str, Points]):
        self._title, self._series = title, series

    def _repr_html_(self) -> str:
        finite = {name: [(x, y) for x, y in zip(*points) if math.isfinite(y)] for name, points in self._series.items()}
        every = [point for points in finite.values() for point in points]
        body = _drawn(finite, every) if every else "<p>no points yet</p>"
        return f"<div><b>{html.escape(self._title)}</b>{body}</div>"


def picture(client: Client, job: Job) -> Picture:
    """Every loss of a job, as it is now."""
    curves = {name: curve for name, curve in client.curve(job.id, max_points=POINTS).items() if name.endswith("loss")}
    title = f"{job.spec.name} {job.id}: {states.label(job.state)}, step {job.progress.step}/{job.progress.total_steps}"
    return Picture(title, {name: (curve.steps, curve.values) for name, curve in curves.items()})


def follow(client: Client, job_id: str) -> Job:
    """Shows the job's curves in the cell until it has ended; the job then."""
    from IPython.display import display

    job = client.get(job_id)
    shown = display(picture(client, job), display_id=True)
    while job.state not in states.FINAL:
        time.sleep(REDRAW_S)
        job = client.get(job_id)
        shown.update(picture(client, job))
    return job


def _drawn(series: Mapping[str, Sequence[tuple[float, float]]], every: Sequence[tuple[float, float]]) -> str:
    (left, right), (low, high) = ((min(values), max(values)) for values in zip(*every))
    lines = [_line(points, color, left, right, low, high) for points, color in zip(series.values(), _colors(len(series)))]
    legend = [f'<text x="{MARGIN + 120 * i}" y="{HEIGHT - 4}" fill="{color}">{html.escape(name)}</text>'
              for i, (name, color) in enumerate(zip(series, _colors(len(series))))]
    axes = [f'<text x="0" y="{y}" fill="gray">{value:.4g}</text>' for value, y in ((high, 14), (low, HEIGHT - 24))]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" font-size="12">{"".join([*axes, *lines, *legend])}</svg>'


def _line(points: Sequence[tuple[float, float]], color: str, left: float, right: float, low: float, high: float) -> str:
    across, up = (WIDTH - MARGIN - 4) / ((right - left) or 1), (HEIGHT - 40) / ((high - low) or 1)
    places = " ".join(f"{MARGIN + (x - left) * across:.1f},{10 + (high - y) * up:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="1.5"/>'


def _colors(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]
