"""Checkpoints: a folder a step, whole or not there, readable by anyone.

    checkpoints/step-00000460/
        parameters.safetensors    `node.parameter` → array; what `export` and transfer learning read
        optimizer.safetensors     `vector/node.parameter` → array
        manifest.json             step, parameter digest, what the job must share, SHA-256 of each file

1. Written under a temporary name, synced, then renamed: a name that is there is whole.
2. Nothing in it depends on the number of ranks.
3. A file that does not match its SHA-256 is never loaded: the checkpoint is named and the one before it
   is taken.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import safetensors
from safetensors.numpy import load, save

from worker.errors import Unavailable
from worker.replica import Buffer
from worker.rundir import sync_folder, write_whole

MANIFEST, PARAMETERS, OPTIMIZER = "manifest.json", "parameters.safetensors", "optimizer.safetensors"


@dataclass(frozen=True)
class Written:
    """What `write` did."""

    path: Path
    size_bytes: int


def write(folder: Path, step: int, buffer: Buffer, shared: dict[str, str], keep: int) -> Written:
    """Writes the checkpoint of `step` steps done and removes all but the newest `keep`."""
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob(".step-*"):
        shutil.rmtree(leftover)
    final = folder / f"step-{step:08d}"
    if not final.exists():
        _write_new(final, step, buffer, shared)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return Written(final, sum(file.stat().st_size for file in final.iterdir()))


def _write_new(final: Path, step: int, buffer: Buffer, shared: dict[str, str]) -> None:
    temporary = final.with_name(f".{final.name}")
    temporary.mkdir()
    state = {f"{vector}/{name}": view for vector, laid in buffer.state.items() for name, view in laid.named().items()}
    contents = {PARAMETERS: save(buffer.parameters.named()), OPTIMIZER: save(state)}
    for name, content in contents.items():
        write_whole(temporary / name, content)
    manifest = {"step": step, "digest": buffer.parameters.digest(), "job": shared,
                "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}}
    write_whole(temporary / MANIFEST, json.dumps(manifest, indent=2).encode())
    os.rename(temporary, final)
    sync_folder(final.parent)


def load_newest(folder: Path, buffer: Buffer, shared: dict[str, str]) -> tuple[int, list[str]]:
    """Fills `buffer` from the newest whole checkpoint; (steps done, what was skipped and why).

    Raises Unavailable when there is none, or when it is of a job that differs in what must be shared.
    """
    skipped: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            manifest, contents = _verified(path)
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            skipped.append(f"{path.name} is damaged and was skipped: {error}")
            continue
        _require_same_job(manifest["job"], shared)
        _fill(buffer, contents)
        return manifest["step"], skipped
    raise Unavailable("; ".join(["nothing to resume: there is no whole checkpoint", *skipped]))


def _verified(path: Path) -> tuple[dict, dict[str, bytes]]:
    """Manifest and file contents. Raises ValueError naming the file that does not match."""
    manifest = json.loads((path / MANIFEST).read_bytes())
    contents = {name: (path / name).read_bytes() for name in (PARAMETERS, OPTIMIZER)}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest["sha256"][name]:
            raise ValueError(f"{name} does not match its SHA-256")
    return manifest, contents


def _require_same_job(written: dict[str, str], shared: dict[str, str]) -> None:
    differ = sorted(key for key in written.keys() | shared.keys() if written.get(key) != shared.get(key))
    if differ:
        raise Unavailable(f"cannot resume: the job differs from the checkpoint's in {', '.join(differ)}")


def _fill(buffer: Buffer, contents: dict[str, bytes]) -> None:
    for name, array in load(contents[PARAMETERS]).items():
        buffer.parameters.named()[name][...] = array
    for key, array in load(contents[OPTIMIZER]).items():
        vector, _, name = key.partition("/")
        buffer.state[vector].named()[name][...] = array
