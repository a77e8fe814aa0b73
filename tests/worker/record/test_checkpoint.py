"""Checkpoints: whole or not there, readable by anyone, and nothing damaged is ever loaded."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from worker.errors import Unavailable
from worker.node.replica import Buffer
from worker.record import checkpoint

LAYOUT = Layout([Owner("a", {"weight": (3, 5), "bias": (5,)}), Owner("b", {"weight": (2, 2)})])
LARGE = Layout([Owner("a", {"weight": (300, 300)})])
JOB = {"seed": "7", "loss": '"mse"'}
FILES = ["parameters.safetensors", "optimizer.safetensors", "manifest.json"]


def zeros(optimizer, layout=LAYOUT):
    updater = Updater(Spec(None, (), OPTIMIZERS.build(optimizer)), layout)
    return Buffer(layout.zeros(), {name: layout.zeros() for name in updater.state})


def buffer(seed=None):
    """Random numbers in everything a checkpoint holds; zeros without a seed."""
    made = zeros("adam")
    for i, vector in enumerate(made.vectors().values() if seed is not None else ()):
        for view in vector.named().values():
            view[...] = np.random.default_rng([seed, i]).normal(size=view.shape)
    return made


def bits(made):
    return {name: vector.flat.tobytes() for name, vector in made.vectors().items()}


@pytest.fixture
def write(tmp_path):
    return lambda step, keep=2: checkpoint.write(tmp_path / "checkpoints", step, buffer(step), JOB, [], keep)


@pytest.fixture
def load(tmp_path):
    """(steps done, what was skipped, the buffer filled)."""

    def call(shared=JOB):
        filled = buffer()
        loaded = checkpoint.load_newest(tmp_path / "checkpoints", filled, shared)
        return loaded.step, loaded.skipped, filled

    return call


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("optimizer", OPTIMIZERS.types)
def test_what_was_written_comes_back_bit_for_bit(tmp_path, optimizer):
    whole, filled = (zeros(optimizer) for _ in range(2))
    odd = np.array([np.nan, -0.0, 1e-45, np.inf], np.float32)
    for vector in whole.vectors().values():
        vector.nodes[1]["weight"].flat[...] = odd
    checkpoint.write(tmp_path / "c", 3, whole, {}, [0.5], 1)
    assert checkpoint.load_newest(tmp_path / "c", filled, {}) == checkpoint.Loaded(3, [0.5], [])
    assert bits(filled) == bits(whole)


def test_the_newest_is_loaded(write, load):
    write(4), write(8)
    step, skipped, filled = load()
    assert (step, skipped, bits(filled)) == (8, [], bits(buffer(8)))


@pytest.mark.parametrize(("keep", "kept"), [(1, [20]), (2, [16, 20]), (3, [12, 16, 20]), (9, [4, 8, 12, 16, 20])])
def test_the_newest_are_kept(write, tmp_path, keep, kept):
    for step in (4, 8, 12, 16, 20):
        write(step, keep)
    assert names(tmp_path / "checkpoints") == [f"step-{step:08d}" for step in kept]


def test_writing_says_where_and_how_much(write, tmp_path):
    written = write(4)
    assert written.path == tmp_path / "checkpoints" / "step-00000004"
    assert names(written.path) == sorted(FILES)
    assert written.size_bytes == sum((written.path / name).stat().st_size for name in FILES)


def test_anyone_can_read_it_by_parameter_name(write):
    path = write(4).path
    parameters, state = load_file(path / FILES[0]), load_file(path / FILES[1])
    assert sorted(parameters) == ["a.bias", "a.weight", "b.weight"]
    assert parameters["a.weight"].tolist() == buffer(4).parameters.nodes[0]["weight"].tolist()
    assert set(state) == {f"{vector}/{name}" for vector in buffer().state for name in parameters}


def test_the_manifest_says_what_it_is(write):
    path = write(4).path
    manifest = json.loads((path / "manifest.json").read_text())
    assert (manifest["step"], manifest["digest"], manifest["job"]) == (4, buffer(4).parameters.digest(), JOB)
    assert manifest["sha256"] == {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in FILES[:2]}


def test_a_run_goes_on_from_the_newest_whole_one(write, tmp_path):
    folder = tmp_path / "checkpoints"
    assert checkpoint.newest_whole(folder) == -1
    write(4), write(8)
    assert checkpoint.newest_whole(folder) == 8
    (folder / "step-00000008" / FILES[1]).write_bytes(b"damage")
    assert (checkpoint.newest_whole(folder), checkpoint.newest(folder)) == (4, 8)


@pytest.mark.parametrize(("losses", "step"), [
    ([[], []], -1), ([[0.5], [0.5, 0.4]], 8), ([[0.5], [0.5, 0.6]], 4), ([[0.5], [0.5]], 4), ([[np.nan], [np.nan, 0.6]], 8), ([[], [0.6]], 8)])
def test_the_lowest_is_that_of_the_lowest_last_held_out_loss(tmp_path, losses, step):
    for i, evaluations in enumerate(losses):
        checkpoint.write(tmp_path, 4 * i + 4, buffer(i), JOB, evaluations, 2)
    assert checkpoint.lowest(tmp_path) == step


def test_one_whose_manifest_is_damaged_is_not_the_lowest(tmp_path):
    for step, loss in ((4, 0.5), (8, 0.4)):
        checkpoint.write(tmp_path, step, buffer(step), JOB, [loss], 2)
    (tmp_path / "step-00000008" / FILES[2]).write_text('{"evaluations": [0.1]}')
    assert checkpoint.lowest(tmp_path) == 4


@pytest.mark.parametrize(("shared", "fields"), [
    ({**JOB, "seed": "8"}, "seed"), ({**JOB, "seed": "8", "loss": "x"}, "loss, seed"), ({"loss": JOB["loss"]}, "seed"), ({**JOB, "new": "1"}, "new"),
])
def test_a_job_that_differs_is_refused_with_the_fields_named(write, load, shared, fields):
    write(4)
    with pytest.raises(Unavailable, match=f"^cannot resume: the job differs from the run's in {fields}; "):
        load(shared)


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_without_any_there_is_nothing_to_resume(tmp_path, load, folder):
    if folder == "empty":
        (tmp_path / "checkpoints").mkdir()
    with pytest.raises(Unavailable, match="^nothing to resume: there is no whole checkpoint$"):
        load()


def test_leftovers_of_an_interrupted_write_are_ignored_and_removed(write, load, tmp_path):
    leftover = tmp_path / "checkpoints" / ".step-00000012"
    shutil.copytree(write(4).path, leftover)
    assert load()[0] == 4
    write(8)
    assert names(tmp_path / "checkpoints") == ["step-00000004", "step-00000008"]


def test_writing_a_step_again_changes_nothing(write):
    path = write(4).path
    before = {name: (path / name).stat().st_mtime_ns for name in FILES}
    write(4)
    assert {name: (path / name).stat().st_mtime_ns for name in FILES} == before


KILLED = """
import sys
from itertools import count
from pathlib import Path
from worker.node.replica import Buffer
from worker.record import checkpoint
from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
LARGE = Layout([Owner("a", {"weight": (300, 300)})])
state = Updater(Spec(None, (), OPTIMIZERS.build("adam")), LARGE).state
made = Buffer(LARGE.zeros(), {name: LARGE.zeros() for name in state})
for step in count(1):
    made.parameters.flat[...] = step
    checkpoint.write(Path("checkpoints"), step, made, {}, [], 2)
    print(step, flush=True)
"""


def test_a_checkpoint_that_can_be_seen_is_whole(script, tmp_path, until):
    """Looked at as often as can be while a process writes one after the other."""
    seen = set()

    def look():
        newest = max((tmp_path / "checkpoints").glob("step-*"), default=None)
        if newest:
            assert names(newest) == sorted(FILES)
            seen.add(newest)
        return len(seen) > 10

    with subprocess.Popen([sys.executable, script(KILLED)], cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            until(look, every_s=0)
        finally:
            process.kill()


@pytest.mark.parametrize("written", [1, 4, 9])
def test_a_writer_killed_at_any_time_leaves_a_whole_checkpoint(script, tmp_path, written):
    with subprocess.Popen([sys.executable, script(KILLED)], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        said = [int(process.stdout.readline()) for _ in range(written)][-1]
        process.kill()
    filled = zeros("adam", LARGE)
    loaded = checkpoint.load_newest(tmp_path / "checkpoints", filled, {})
    assert (loaded.step >= said, loaded.skipped) == (True, [])
    assert set(filled.parameters.nodes[0]["weight"].flat) == {loaded.step}
