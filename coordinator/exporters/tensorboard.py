"""TensorBoard's event files: a folder a job. Points that are computed again replace those before them, as TensorBoard
understands it: each attempt has a file of its own, and says from which step on it counts."""

from collections.abc import Mapping
from pathlib import Path

from bptrain.v1.report_pb2 import Points
from coordinator.exporters import Exporter
from worker.errors import Unavailable

FLUSH_S = 2


def opened(place: str, title: str, settings: Mapping[str, str]) -> Exporter:
    """`place`: a folder, made if need be. Raises Unavailable when the job is in it already."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise Unavailable("TensorBoard's files need more than is installed: pip install 'bptrain[tensorboard]'") from None
    folder = Path(place) / title
    if folder.exists():
        raise Unavailable(f"{folder} is there already; choose another folder, or remove it")
    return Tensorboard(folder, settings)


class Tensorboard(Exporter):
    def __init__(self, folder: Path, settings: Mapping[str, str]):
        self._folder, self._attempts = folder, 0
        self._writer = self._begun(None)
        self._writer.add_text("job", "\n".join(f"    {name}: {value}" for name, value in settings.items()), 0)

    def points(self, points: Points) -> None:
        for column in points.columns:
            for step, time, value in zip(points.steps, points.times, column.values):
                self._writer.add_scalar(column.series, value, step, walltime=time)

    def rewind(self, step: int) -> None:
        self._writer.close()
        self._writer = self._begun(step)

    def close(self, state: int) -> None:
        self._writer.close()

    def _begun(self, step: int | None):
        """A writer of the next attempt's file. Raises Unavailable."""
        from tensorboardX import SummaryWriter

        self._attempts += 1
        try:
            return SummaryWriter(str(self._folder), purge_step=step, flush_secs=FLUSH_S, filename_suffix=f".{self._attempts:04}")
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written: {error.strerror}") from None
