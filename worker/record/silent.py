"""The record of all ranks but rank 0: nothing is written, so that the training loop is the same on all."""

from collections.abc import Mapping, Sequence

import numpy as np

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, CrewChanged, EpochEnded, Pace, Sample
from worker.comm.watch import Watch
from worker.node.replica import Buffer, Replica


class Silent:
    """The other ranks' record: nothing."""

    known: Sequence[int] = (-1, -1, -1)  # by kind of row, the last step that is written down

    def started(self, event: AttemptStarted) -> None: ...
    def crew_changed(self, event: CrewChanged) -> None: ...
    def trained(self, step: int, row: np.ndarray, when: float | None = None) -> None: ...
    def evaluated(self, step: int, values: Mapping[str, float], when: float | None = None) -> None: ...
    def diagnosed(self, step: int, values: Mapping[str, float]) -> None: ...
    def epoch_ended(self, event: EpochEnded) -> None: ...
    def paced(self, event: Pace) -> None: ...
    def sampled(self, event: Sample) -> None: ...
    def compiling(self, kernel: str) -> None: ...
    def checkpoint(self, replica: Replica, evaluations: Sequence[float], watch: Watch) -> None: ...
    def prepare(self, buffer: Buffer) -> None: ...
    def ended(self, event: AttemptEnded) -> None: ...
    def close(self) -> None: ...

    def let_go(self) -> None:
        """Leaves the folder to whoever has a right to it, while that is not clear."""

    def checkpoint_due(self, step: int) -> bool:
        return False

    def is_best(self, evaluations: Sequence[float]) -> bool:
        return False

    def is_news(self, kind: int, step: int) -> bool:
        """Whether this record lacks what a kind of row says of this step."""
        return False

    def finish(self, watch: Watch) -> str:
        return ""
