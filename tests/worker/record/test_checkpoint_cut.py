"""A checkpoint of many pages, cut at every border of 4 KiB or with one bit flipped: never loaded."""

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from worker.errors import Unavailable
from worker.node.replica import Buffer
from worker.record import checkpoint

LAYOUT = Layout([Owner("a", {"weight": (300, 100), "bias": (100,)})])
UPDATER = Updater(Spec(None, (), OPTIMIZERS.build("adam")), LAYOUT)
FILES = ["parameters.safetensors", "optimizer.safetensors", "manifest.json"]
PAGE_BYTES = 4096


@pytest.fixture
def folder(tmp_path):
    made = Buffer.zeros(LAYOUT, UPDATER)
    for vector in made.vectors().values():
        vector.nodes[0]["weight"][...] = np.random.default_rng(0).normal(size=(300, 100))
    # Long enough that the manifest, too, has several pages.
    checkpoint.write(tmp_path / "checkpoints", 8, made, {"seed": "7"}, [0.1 * i for i in range(900)], 2)
    return tmp_path / "checkpoints"


def is_refused(folder, name, content):
    path = folder / "step-00000008" / name
    whole = path.read_bytes()
    path.write_bytes(content)
    untouched = Buffer.zeros(LAYOUT, UPDATER)
    with pytest.raises(Unavailable, match="step-00000008 is damaged and was skipped"):
        checkpoint.load_newest(folder, untouched, {"seed": "7"})
    assert not any(vector.flat.any() for vector in untouched.vectors().values())
    path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_cut_at_any_border_it_is_refused(folder, name):
    whole = (folder / "step-00000008" / name).read_bytes()
    borders = range(0, len(whole), PAGE_BYTES)
    assert len(borders) > 3
    for border in borders:
        is_refused(folder, name, whole[:border])


@pytest.mark.parametrize("name", FILES)
def test_with_the_rest_zeros_from_any_border_on_it_is_refused(folder, name):
    """What a power cut can leave."""
    whole = (folder / "step-00000008" / name).read_bytes()
    for border in range(0, len(whole), PAGE_BYTES):
        is_refused(folder, name, whole[:border].ljust(len(whole), b"\0"))


@pytest.mark.parametrize("name", FILES)
def test_with_a_bit_flipped_in_any_page_it_is_refused(folder, name):
    whole = (folder / "step-00000008" / name).read_bytes()
    draw = np.random.default_rng(1)
    for border in range(0, len(whole), PAGE_BYTES):
        text = np.frombuffer(whole, np.uint8)[border:border + PAGE_BYTES]
        place = border + int(draw.choice(np.flatnonzero(text > 32)))  # white space in the manifest may change
        is_refused(folder, name, whole[:place] + bytes([whole[place] ^ 1 << int(draw.integers(5))]) + whole[place + 1:])


def test_untouched_it_is_loaded(folder):
    assert checkpoint.load_newest(folder, Buffer.zeros(LAYOUT, UPDATER), {"seed": "7"}).step == 8
