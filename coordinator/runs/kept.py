"""The checkpoints that a run has kept, when the one that is asked for cannot be had."""

from pathlib import Path

from coordinator.errors import Refusal
from worker.record import checkpoint


def refusal(job_id: str, folder: Path, step: int = 0) -> Refusal:
    """CHECKPOINT_CORRUPT where it is there, else CHECKPOINT_NOT_FOUND. `step`: 0 for any; `folder`: of the checkpoints."""
    kept = checkpoint.kept(folder)
    there = step in kept if step else bool(kept)
    return Refusal("CHECKPOINT_CORRUPT" if there else "CHECKPOINT_NOT_FOUND", job=job_id, which=f"step {step}" if step else "any step",
                   kept=", ".join(map(str, kept)) or "none")
