"""What most of a step's time goes into, in words."""

from statistics import median

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.report_pb2 import Pace
from worker.record.console import compiling_sentence

BEHIND = 1.25  # times what ranks take in the middle: from there on one holds up the others
MUCH = 0.25  # of a step
LONG_S = 0.9995  # what three digits make a second of


def reason(progress: Progress) -> str:
    """A sentence: what the ranks wait for, else what most of a step goes into."""
    return compiling_sentence(progress.compiling) if progress.HasField("compiling") else of_step(progress.pace)


def of_step(pace: Pace) -> str:
    """A sentence that begins with imbalance, input, wire or compute; empty without measurements."""
    if not pace.rank_s or pace.step_s <= 0:
        return ""
    slowest = max(range(len(pace.rank_s)), key=pace.rank_s.__getitem__)
    worst, middle = pace.rank_s[slowest], median(pace.rank_s)
    rest = max(0.0, pace.step_s - worst)
    if worst > BEHIND * middle and worst - middle > 0.1 * pace.step_s:
        return f"imbalance: rank {slowest}{_on(pace, slowest)} takes {worst / middle:.1f} times what ranks do in the middle, {_of(worst, pace)}"
    if pace.read_s > MUCH * pace.step_s:
        return f"input: rank 0{_on(pace, 0)} waits for its samples, {_of(pace.read_s, pace)}"
    if rest > worst:
        return f"wire: exchange, update and waiting for each other take {_of(rest, pace)}"
    return f"compute: the slowest rank, {slowest}{_on(pace, slowest)}, takes {_of(worst, pace)}"


def _on(pace: Pace, rank: int) -> str:
    return f" on {pace.hosts[rank]}" if rank < len(pace.hosts) else ""


def _of(seconds: float, pace: Pace) -> str:
    """In seconds or milliseconds, as fits the step."""
    factor, unit = (1, "s") if pace.step_s >= LONG_S else (1000, "ms")
    return f"{factor * seconds:.3g} of a step's {factor * pace.step_s:.3g} {unit}"
