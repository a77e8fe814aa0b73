"""All parameters in one flat vector, each on its own line, with views that share its memory."""

import hashlib
import struct
from dataclasses import replace
from math import prod

import numpy as np
import pytest

from bpcore.arena import LINE, Layout, Owner, Vector

SHAPES = [Owner("first", {"weight": (3, 5), "bias": (5,)}), Owner("relu", {}), Owner("last", {"weight": (4, 4), "scale": ()})]


def filled(layout, dtype=np.float32):
    """A vector whose parameters hold 1, 2, 3 …, its gaps zero."""
    vector, value = layout.zeros(dtype), 1
    for view in vector.named().values():
        view[...] = np.arange(value, value + view.size).reshape(view.shape)
        value += view.size
    return vector


def gaps(layout):
    """True where no parameter lies."""
    free = np.ones(layout.size, bool)
    for slot in layout.slots:
        free[slot.offset:slot.offset + prod(slot.shape)] = False
    return free


@pytest.fixture
def layout():
    return Layout(SHAPES)


def test_every_parameter_starts_on_a_line(layout):
    """By hand: 15, 5, 16 and 1 numbers take a line of 16 each."""
    assert [slot.offset for slot in layout.slots] == [0, 16, 32, 48]
    assert layout.size == 64
    assert LINE * np.dtype(np.float32).itemsize == 64


def test_a_line_of_a_new_vector_is_a_line_of_memory():
    """Rule 3 of arena.py; NumPy by itself promises 16 bytes."""
    for size in (1, 17, 4096, 10**5, 10**6):
        vector = Layout([Owner("a", {"x": (1,)}), Owner("b", {"y": (size,)})]).zeros()
        assert [view.ctypes.data % 64 for view in vector.named().values()] == [0, 0], size


def test_only_parameters_are_counted(layout):
    assert layout.count == 15 + 5 + 16 + 1 == layout.size - gaps(layout).sum()


def test_a_layout_without_parameters_is_empty():
    layout = Layout([Owner("relu", {})])
    assert (layout.size, layout.count, layout.zeros().flat.shape, layout.zeros().nodes) == (0, 0, (0,), [{}])


def test_a_new_vector_is_zero_and_has_the_type_asked_for(layout):
    assert layout.zeros().flat.dtype == np.float32
    assert layout.zeros(np.float64).flat.dtype == np.float64
    assert not layout.zeros().flat.any()


def test_parameters_are_named_by_node_in_layout_order(layout):
    named = layout.zeros().named()
    assert {name: view.shape for name, view in named.items()} == {
        "first.weight": (3, 5), "first.bias": (5,), "last.weight": (4, 4), "last.scale": ()}
    assert list(named) == [slot.full_name for slot in layout.slots]


def test_views_share_memory_with_the_flat_vector(layout):
    vector = layout.zeros()
    assert all(np.shares_memory(view, vector.flat) for view in vector.named().values())
    vector.nodes[0]["bias"][1] = 7
    assert vector.flat[17] == 7
    vector.flat[32] = 3
    assert vector.nodes[2]["weight"][0, 0] == 3


def test_views_lie_in_memory_that_the_caller_brings(layout):
    memory = bytearray(layout.size * 4)
    Vector(layout, np.frombuffer(memory, np.float32)).named()["last.weight"][...] = 1
    assert np.frombuffer(memory, np.float32).sum() == 16


def test_parameters_do_not_overlap(layout):
    vector = filled(layout)
    assert sorted(vector.flat[~gaps(layout)].tolist()) == list(range(1, layout.count + 1))


def test_filling_every_parameter_leaves_the_gaps_zero(layout):
    assert gaps(layout).sum() == 27
    assert not filled(layout).flat[gaps(layout)].any()


def test_a_layout_is_the_same_every_time():
    assert Layout(SHAPES).slots == Layout(SHAPES).slots


def test_the_digest_changes_with_any_one_bit(layout):
    whole = filled(layout).digest()
    for slot in layout.slots:
        vector = filled(layout)
        vector.flat.view(np.uint32)[slot.offset] ^= 1
        assert vector.digest() != whole, slot.full_name


def test_the_digest_tells_zero_from_minus_zero(layout):
    vector = layout.zeros()
    before = vector.digest()
    vector.flat[0] = -0.0
    assert vector.digest() != before


def test_the_digest_does_not_see_gaps(layout):
    vector = filled(layout)
    before = vector.digest()
    vector.flat[gaps(layout)] = 9
    assert vector.digest() == before


def test_the_digest_does_not_see_where_parameters_lie():
    """The same names and values with wider gaps."""
    narrow, wide = Layout(SHAPES), Layout(SHAPES)
    wide.slots = [replace(slot, offset=2 * slot.offset) for slot in wide.slots]
    wide.size *= 2
    assert filled(wide).digest() == filled(narrow).digest()


@pytest.mark.parametrize("other", [
    Owner("a", {"y": (2, 3)}), Owner("b", {"x": (2, 3)}), Owner("a", {"x": (3, 2)}), Owner("a", {"x": (6,)}),
], ids=["name", "node", "transposed", "flat"])
def test_the_digest_sees_names_and_shapes(other):
    assert filled(Layout([other])).digest() != filled(Layout([Owner("a", {"x": (2, 3)})])).digest()


def test_the_digest_sees_the_type(layout):
    assert filled(layout, np.float64).digest() != filled(layout).digest()


def test_the_digest_is_pinned():
    """By hashlib alone: name, shape and type as text, then the numbers in little-endian float32."""
    text = b"a.x(2,)float32" + struct.pack("<2f", 1, 2)
    assert filled(Layout([Owner("a", {"x": (2,)})])).digest() == hashlib.sha256(text).hexdigest()


SHARED = [Owner("table", {"weight": (5, 3)}), Owner("norm", {"scale": (3,), "mean": (3,)}, momenta={"mean": 0.1}),
          Owner("twin", {"bias": (3,)}, shared={"weight": 0}), Owner("third", {}, shared={"weight": 0, "bias": 2})]


def test_a_shared_parameter_is_one_place_with_several_names():
    """By hand: 15, 3, 3 and 3 numbers take a line of 16 each; what is shared takes none."""
    layout = Layout(SHARED)
    vector = layout.zeros()
    assert (layout.size, layout.count) == (64, 15 + 3 + 3)
    vector.nodes[3]["weight"][0, 1] = 7
    vector.nodes[3]["bias"][2] = 5
    assert [vector.nodes[i]["weight"][0, 1] for i in (0, 2, 3)] == [7, 7, 7]
    assert vector.nodes[2]["bias"].tolist() == [0, 0, 5]
    assert vector.flat[1] == 7


def test_a_shared_parameter_is_named_by_its_owner_alone():
    assert list(Layout(SHARED).zeros().named()) == ["table.weight", "norm.scale", "norm.mean", "twin.bias"]


def test_a_running_statistic_lies_in_the_arena_and_is_not_counted_as_trained():
    slots = {slot.full_name: slot for slot in Layout(SHARED).slots}
    assert {name: slot.momentum for name, slot in slots.items()} == {
        "table.weight": None, "norm.scale": None, "norm.mean": 0.1, "twin.bias": None}


def test_a_slots_place_is_its_part_of_the_flat_vector(layout):
    vector = filled(layout)
    for slot in layout.slots:
        assert np.array_equal(vector.flat[slot.place], vector.nodes[slot.node][slot.name].ravel())
