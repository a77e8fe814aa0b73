"""What `python -m worker` was asked to do."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`job`: a job file, or a run's folder. Paths are relative to the working folder of each rank."""

    job: Path
    run_dir: Path | None
    resume: bool
    coordinator: str
    data_root: Path
    world: int
    standby: bool = False


def parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m worker",
        description="Trains a job on the ranks that mpirun started, or on this process alone.",
        epilog="Exit status: 0 done or stopped on request, 1 the training failed, 2 bad input, 3 something it needs is missing.")
    parser.add_argument("job", type=Path, metavar="JOB", help="job file (YAML or JSON), or the folder of a run")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="where journal and checkpoints go (default: runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="go on at the newest whole checkpoint of the run")
    parser.add_argument("--data-root", type=Path, default=Path(), metavar="DIR", help="folder that data may be read from (default: .)")
    parser.add_argument("--coordinator", default="", metavar="HOST:PORT", help="report to this coordinator (set by its launcher)")
    parser.add_argument("--world", type=int, default=0, metavar="N", help="join N ranks, some of which have died (set by those that are left)")
    parser.add_argument("--standby", action="store_true", help="wait for a run in the folder JOB (set by a launcher)")
    found = parser.parse_args(arguments)
    inside = found.job.is_dir()
    return Options(job=found.job / "job.json" if inside else found.job,
                   run_dir=found.run_dir or (found.job if inside else None),
                   resume=found.resume, coordinator=found.coordinator, data_root=found.data_root, world=found.world,
                   standby=found.standby)
