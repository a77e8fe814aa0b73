"""A damaged checkpoint is named and never loaded: the one before it is."""

import json

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from worker.errors import Unavailable
from worker.node.replica import Buffer
from worker.record import checkpoint

LAYOUT = Layout([Owner("a", {"weight": (3, 5), "bias": (5,)})])
TENSORS = ["parameters.safetensors", "optimizer.safetensors"]
FILES = [*TENSORS, "manifest.json"]


def zeros(optimizer, layout=LAYOUT):
    updater = Updater(Spec(None, (), OPTIMIZERS.build(optimizer)), layout)
    return Buffer(layout.zeros(), {name: layout.zeros() for name in updater.state})


def buffer(value):
    made = zeros("adam")
    for vector in made.vectors().values():
        for view in vector.named().values():
            view[...] = value
    return made


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints, of steps 4 and 8; their numbers are the step."""
    for step in (4, 8):
        checkpoint.write(tmp_path / "checkpoints", step, buffer(step), {"seed": "7"}, [], 2)
    return tmp_path / "checkpoints"


@pytest.fixture
def load(folder):
    """(steps done, the only line about what was skipped); the numbers loaded are those of that step."""

    def call():
        filled = buffer(0)
        loaded = checkpoint.load_newest(folder, filled, {"seed": "7"})
        assert {float(x) for vector in filled.vectors().values() for view in vector.named().values() for x in np.ravel(view)} == {loaded.step}
        return loaded.step, *loaded.skipped

    return call


@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("name", TENSORS)
def test_a_flipped_bit_anywhere_in_the_numbers_is_found(folder, load, name, bit):
    path = folder / "step-00000008" / name
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1:])
        assert load() == (4, f"step-00000008 is damaged and was skipped: {name} does not match its SHA-256")


@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_anywhere_in_the_manifest_is_found(folder, load, bit):
    path = folder / "step-00000008" / "manifest.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1:])
        step, *skipped = load()
        assert (step, len(skipped)) in ((4, 1), (8, 0))  # white space may change
        assert all(line.startswith("step-00000008 is damaged and was skipped: ") for line in skipped)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_found(folder, load, name):
    path = folder / "step-00000008" / name
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 5):
        path.write_bytes(whole[:length])
        step, line = load()
        assert step == 4 and line.startswith("step-00000008 is damaged and was skipped: ")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(folder, load, name):
    (folder / "step-00000008" / name).unlink()
    step, line = load()
    assert step == 4 and line.startswith("step-00000008 is damaged and was skipped: ") and name in line


def test_what_is_missing_is_said_without_the_hosts_path(folder, load):
    (folder / "step-00000008" / "manifest.json").unlink()
    assert str(folder) not in load()[1]


def test_numbers_swapped_between_checkpoints_are_found(folder, load):
    """Each file is whole, but not the one that was written there."""
    (folder / "step-00000008" / TENSORS[0]).write_bytes((folder / "step-00000004" / TENSORS[0]).read_bytes())
    assert load() == (4, "step-00000008 is damaged and was skipped: parameters.safetensors does not match its SHA-256")


def test_when_all_are_damaged_each_is_named(folder):
    for step in (4, 8):
        (folder / f"step-{step:08d}" / TENSORS[1]).write_bytes(b"")
    untouched = buffer(-1)
    with pytest.raises(Unavailable) as error:
        checkpoint.load_newest(folder, untouched, {"seed": "7"})
    assert str(error.value) == ("nothing to resume: there is no whole checkpoint"
                                "; step-00000008 is damaged and was skipped: optimizer.safetensors does not match its SHA-256"
                                "; step-00000004 is damaged and was skipped: optimizer.safetensors does not match its SHA-256")
    assert (untouched.parameters.nodes[0]["weight"] == -1).all()


def test_a_damaged_one_is_replaced_when_its_step_comes_again(folder, load):
    (folder / "step-00000008" / TENSORS[0]).write_bytes(b"damaged")
    checkpoint.write(folder, 8, buffer(8), {"seed": "7"}, [], 2)
    assert load() == (8,)


@pytest.mark.parametrize("content", [[], {"step": 8, "sha256": "x", "job": {}}, 5], ids=str)
def test_a_manifest_of_another_form_is_damage(folder, load, content):
    (folder / "step-00000008" / "manifest.json").write_text(json.dumps(content))
    assert load()[0] == 4
