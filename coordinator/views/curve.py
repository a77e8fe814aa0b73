"""Curves for people: few enough points to draw, with every spike still in them."""

from bptrain.v1.metric_service_pb2 import Curve
from coordinator.views.run import RunView, Series


def curves(view: RunView, names: list[str], max_points: int) -> list[Curve]:
    """The named series of a run (none named: all), each thinned to at most `max_points` (0: all)."""
    chosen = {name: series for name, series in view.series.items() if not names or name in names}
    return [_curve(name, series, max_points) for name, series in chosen.items()]


def thin(series: Series, max_points: int) -> list[int]:
    """Indices to keep: first, last, and the minimum and maximum of equal ranges between them. For fewer
    than four points: the last ones, ends first."""
    count, values = len(series.values), series.values
    if not max_points or count <= max_points:
        return list(range(count))
    buckets = (max_points - 2) // 2
    kept = {count - 1} if max_points == 1 else {0, count - 1}
    for bucket in range(buckets):
        inside = range(1 + (count - 2) * bucket // buckets, 1 + (count - 2) * (bucket + 1) // buckets)
        numbers = [i for i in inside if values[i] == values[i]] or inside  # nothing is less than not-a-number
        if numbers:
            kept |= {min(numbers, key=values.__getitem__), max(numbers, key=values.__getitem__)}
    return sorted(kept)


def _curve(name: str, series: Series, max_points: int) -> Curve:
    kept = thin(series, max_points)
    return Curve(series=name, steps=[series.steps[i] for i in kept], values=[series.values[i] for i in kept],
                 total_points=len(series.steps))
