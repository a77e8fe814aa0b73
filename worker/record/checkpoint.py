"""Checkpoints: a folder a step, whole or not there, readable by anyone.

    checkpoints/step-00000460/
        parameters.safetensors    `node.parameter` → array; what `export` and transfer learning read
        optimizer.safetensors     `vector/node.parameter` → array
        data.json                 what was learned of the training data (vocabulary, classes, means …), if anything
        manifest.json             step, parameter digest, held-out losses so far, samples that the epoch
                                  has used (tally.py), what the job must share, SHA-256 of
                                  each file and of itself

1. Written under a temporary name, synced, then renamed: a name that is there is whole. Removed the other way
   round.
2. Nothing in it depends on the number of ranks.
3. A file that does not match its SHA-256 is never loaded: the checkpoint is named and the one before it
   is taken.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors.numpy import load

from worker.errors import Unavailable
from worker.node.replica import Buffer
from worker.record import arrays
from worker.record.rundir import require_same_job, sync_folder, write_whole
from worker.tally import NONE, Tally

MANIFEST, PARAMETERS, OPTIMIZER, DATA = "manifest.json", "parameters.safetensors", "optimizer.safetensors", "data.json"


@dataclass(frozen=True)
class Written:
    """What `write` did."""

    path: Path
    size_bytes: int


@dataclass(frozen=True)
class Loaded:
    """`step`: steps done; `evaluations`: the held-out losses so far; `skipped`: what was damaged, and how; `used`: the
    samples that the epoch has used so far; `learned`: of the training data."""

    step: int
    evaluations: list[float]
    skipped: list[str]
    used: Tally = NONE
    learned: Mapping[str, Any] = field(default_factory=dict)


def write(folder: Path, step: int, buffer: Buffer, shared: dict[str, str], evaluations: Sequence[float], keep: int,
          best: int = -1, used: Tally = NONE, learned: Mapping[str, Any] = MappingProxyType({})) -> Written:
    """Writes the checkpoint of `step` steps done and removes all but the newest `keep` and that of step `best`.
    Raises OSError; then nothing of it is left."""
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob(".step-*"):
        shutil.rmtree(leftover)
    final = folder / f"step-{step:08d}"
    if final.exists() and not _is_whole(final):
        _remove(final)
    if not final.exists():
        _write_new(final, buffer, {"step": step, "job": shared, "evaluations": list(evaluations), "used": list(used)}, learned)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        if _step(old) != best:
            _remove(old)
    return Written(final, sum(file.stat().st_size for file in final.iterdir()))


def _write_new(final: Path, buffer: Buffer, said: dict, learned: Mapping[str, Any]) -> None:
    """`said`: by the manifest, beside what follows from the buffer."""
    temporary = _hidden(final)
    temporary.mkdir()
    state = {f"{vector}/{name}": view for vector, laid in buffer.state.items() for name, view in laid.named().items()}
    try:
        sums = {PARAMETERS: arrays.write(temporary / PARAMETERS, buffer.parameters.named()),
                OPTIMIZER: arrays.write(temporary / OPTIMIZER, state)}
        if learned:
            content = json.dumps(learned, ensure_ascii=False).encode()
            write_whole(temporary / DATA, content)
            sums[DATA] = hashlib.sha256(content).hexdigest()
        manifest = said | {"digest": buffer.parameters.digest(), "sha256": sums}
        write_whole(temporary / MANIFEST, json.dumps(manifest | {"check": _check(manifest)}, indent=2).encode())
        os.rename(temporary, final)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)  # a full disk needs the room
        raise
    sync_folder(final.parent)


def _remove(path: Path) -> None:
    """Not seen half removed."""
    os.rename(path, _hidden(path))
    shutil.rmtree(_hidden(path))


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}")


def _step(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def newest(folder: Path) -> int:
    """Steps done in the newest checkpoint, by its name; −1 where there is none."""
    return max((_step(path) for path in folder.glob("step-*")), default=-1)


def newest_whole(folder: Path) -> int:
    """Steps done in the checkpoint that a run goes on from; −1 where there is none."""
    return next((_step(path) for path in sorted(folder.glob("step-*"), reverse=True) if _is_whole(path)), -1)


def lowest(folder: Path) -> int:
    """Steps done in the checkpoint whose last held-out loss is the lowest, the first one of equals; −1 where none has one."""
    losses = {_step(path): said[-1] for path in sorted(folder.glob("step-*")) if (said := _evaluations(path))}
    return list(losses)[best(list(losses.values()))] if losses else -1


def best(evaluations: Sequence[float]) -> int:
    """Which of the held-out losses is the lowest, the first one of equals; −1 where there is none."""
    return min(range(len(evaluations)), key=lambda i: (evaluations[i] != evaluations[i], evaluations[i]), default=-1)


def load_newest(folder: Path, buffer: Buffer, shared: dict[str, str], most: float = inf) -> Loaded:
    """Fills `buffer` from the newest whole checkpoint of at most `most` steps done.

    Raises Unavailable when there is none, or when it is of a job that differs in what must be shared.
    """
    skipped: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        if _step(path) > most:
            continue
        try:
            manifest, contents = _verified(path)
        except Damaged as error:
            skipped.append(f"{path.name} is damaged and was skipped: {error}")
            continue
        require_same_job(manifest["job"], shared)
        _fill(buffer, contents)
        return Loaded(manifest["step"], manifest["evaluations"], skipped, tuple(manifest["used"]), json.loads(contents.get(DATA, b"{}")))
    raise Unavailable("; ".join(["nothing to resume: there is no whole checkpoint", *skipped]))


def adopt(source: Path, step: int, folder: Path, shared: dict[str, str], vectors: Sequence[str]) -> int:
    """Makes a checkpoint of another run the first one in `folder`, for a job that shares `shared` with what follows;
    steps done. `step`: −1 for the newest whole one. `vectors`: that the job's optimizer keeps. Raises Unavailable."""
    for path in sorted(source.glob("step-*"), reverse=True) if step < 0 else [source / f"step-{step:08d}"]:
        try:
            manifest, contents = _verified(path)
        except Damaged:
            continue
        kept = {key.partition("/")[0] for key in load(contents[OPTIMIZER])}
        if kept != set(vectors):
            raise Unavailable(f"the optimizer keeps {', '.join(sorted(vectors)) or 'nothing'}, but the checkpoint has {', '.join(sorted(kept)) or 'nothing'}")
        final = folder / path.name
        final.mkdir(parents=True)
        for name in contents:
            os.link(path / name, final / name)  # never written to again
        manifest["job"] = shared
        write_whole(final / MANIFEST, json.dumps(manifest | {"check": _check(manifest)}, indent=2).encode())
        return manifest["step"]
    return -1


def kept(folder: Path) -> list[int]:
    """Steps done in each checkpoint, ascending."""
    return sorted(map(_step, folder.glob("step-*")))


def digest(folder: Path, step: int) -> str:
    """Of the parameters in the checkpoint of `step` steps done; empty where it is not there, or not whole."""
    try:
        return _verified(folder / f"step-{step:08d}")[0]["digest"]
    except Damaged:
        return ""


class Damaged(Exception):
    """A checkpoint that is not what was written; the text names the file."""


def _verified(path: Path) -> tuple[dict, dict[str, bytes]]:
    """Manifest and file contents. Raises Damaged."""
    manifest = _manifest(path)
    contents = {name: _content(path / name) for name in (PARAMETERS, OPTIMIZER, DATA) if name in manifest["sha256"]}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest["sha256"][name]:
            raise Damaged(f"{name} does not match its SHA-256")
    return manifest, contents


def _manifest(path: Path) -> dict:
    """Raises Damaged."""
    try:
        manifest = json.loads(_content(path / MANIFEST))
        check = manifest.pop("check")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged(f"{MANIFEST} is not a manifest") from None
    if check != _check(manifest):
        raise Damaged(f"{MANIFEST} does not match its SHA-256")
    return manifest


def _evaluations(path: Path) -> list[float]:
    try:
        return _manifest(path)["evaluations"]
    except Damaged:
        return []


def _is_whole(path: Path) -> bool:
    try:
        _verified(path)
        return True
    except Damaged:
        return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read: {error.strerror}") from None


def _check(manifest: dict) -> str:
    """SHA-256 of a manifest without its own check."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _fill(buffer: Buffer, contents: dict[str, bytes]) -> None:
    for name, array in load(contents[PARAMETERS]).items():
        buffer.parameters.named()[name][...] = array
    for key, array in load(contents[OPTIMIZER]).items():
        vector, _, name = key.partition("/")
        buffer.state[vector].named()[name][...] = array
