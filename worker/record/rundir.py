"""A run's folder: everything that one run leaves on disk.

    job.json        the spec, as canonical JSON
    identity        a random name, under which nodes keep its memory
    plan.json       who does which shard; written by a launcher
    journal         every report of rank 0, across attempts (journal.py)
    checkpoints/    the newest ones (checkpoint.py)
    hostfile        the hosts in use, where there are several; written by a launcher
    log             what mpirun and the ranks printed; written by a launcher
    attempts        from where on in the log which attempt printed; written by a launcher
    standby         what ranks wait for that were started before there was a run (standby.py)
"""

import fcntl
import glob
import json
import os
import re
import secrets
import time
from pathlib import Path

from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.spec_pb2 import JobSpec
from google.protobuf import json_format

from worker.errors import Unavailable
from worker.jobs import jobfile
from worker.jobs.specs import fingerprint
from worker.node import holding


class RunDir:
    def __init__(self, path: Path):
        self.path = Path(path)
        self.job, self.plan = self.path / "job.json", self.path / "plan.json"
        self.journal, self.log = self.path / "journal", self.path / "log"
        self.attempts = self.path / "attempts"
        self.hostfile, self.standby = self.path / "hostfile", self.path / "standby"
        self.checkpoints = self.path / "checkpoints"
        self._lock: int | None = None

    def prepare(self, spec: JobSpec, resume: bool) -> None:
        """Makes the folder, if need be, and writes the spec. Raises Unavailable unless there is a run of
        this job to resume, or none in the way."""
        if resume and not self.job.exists():
            raise Unavailable(f"nothing to resume: {self.path} is not the folder of a run")
        if self.path.exists():
            self.lock()
            self.unlock()
        if resume:
            require_same_job(fingerprint(jobfile.read(self.job)[0]), fingerprint(spec))
        elif self.journal.exists():
            raise Unavailable(f"{self.path} holds a run already; add --resume to go on with it, or choose another folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(self.job, json.dumps(jobfile.plain(spec), indent=2).encode())
        except OSError as error:
            raise Unavailable(f"the run folder {self.path} cannot be made: {error.strerror}") from None

    def identity(self, resume: bool) -> str:
        """A random name for this run, kept in the folder; a new one unless the run is resumed."""
        path = self.path / "identity"
        if not resume or not path.exists():
            write_whole(path, secrets.token_hex(8).encode())
        return path.read_text()

    def release_memory(self) -> None:
        """Nobody will go on with this run's memory on this host."""
        path = self.path / "identity"
        if path.exists():
            holding.release(path.read_text())

    def write_plan(self, plan: RunPlan) -> None:
        write_whole(self.plan, json_format.MessageToJson(plan, preserving_proto_field_name=True).encode(), mode=0o600)

    def read_plan(self) -> RunPlan:
        """Raises Unavailable."""
        try:
            return json_format.Parse(self.plan.read_bytes(), RunPlan())
        except (OSError, json_format.ParseError):
            raise Unavailable(f"the run folder {self.path} has no plan.json of a launcher; leave --coordinator to launchers") from None

    def lock(self, wait_s: float = 0.0) -> None:
        """Claims the folder for this process, until it lets go or dies; waits for it that long. Raises Unavailable."""
        if self._lock is not None:
            return
        try:
            self._lock = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise Unavailable(f"the run folder {self.path} cannot be used: {error.strerror}") from None
        until = time.monotonic() + wait_s
        while not self._claimed():
            if time.monotonic() >= until:
                self.unlock()
                raise Unavailable(f"the run folder {self.path} is in use by another run")
            time.sleep(0.01)

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _claimed(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False


def require_same_job(before: dict[str, str], now: dict[str, str]) -> None:
    """Raises Unavailable when one job cannot go on where the other stopped."""
    differ = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if differ:
        raise Unavailable(f"cannot resume: the job differs from the run's in {', '.join(differ)}; "
                          "to go on with it as it began, give the run's folder in place of the job file")


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes a file so that it is there whole, or not at all, whenever the machine stops."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes the folder's entries last."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def choose(name: str, resume: bool, parent: Path = Path("runs")) -> Path:
    """The folder of a run that was given none: runs/NAME, then runs/NAME-2 and so on.

    With `resume` the newest run of that job. Raises Unavailable when there is none.
    """
    numbers = sorted(_number(path.name, name) for path in parent.glob(f"{glob.escape(name)}*")
                     if _number(path.name, name) and not (resume and _is_of_another(path, name)))
    if resume and not numbers:
        raise Unavailable(f'nothing to resume: there is no run of "{name}" in {parent}/; start one without --resume')
    number = (numbers[-1] if numbers else 0) + (not resume)
    return parent / (name if number == 1 else f"{name}-{number}")


def _is_of_another(folder: Path, name: str) -> bool:
    """Whether a job of another name left this folder, or its folds: of `a-2` the first run is where the second one of `a` would be."""
    for path in (folder / "job.json", *folder.glob("*/job.json")):
        try:
            return json.loads(path.read_bytes()).get("name", name) != name
        except (OSError, ValueError, AttributeError):
            continue
    return False


def _number(folder: str, name: str) -> int:
    """1 for NAME, k for NAME-k, 0 for another job's folder."""
    match = re.fullmatch(re.escape(name) + r"(?:-(\d+))?", folder)
    return int(match[1] or 1) if match else 0
