"""A list of layers becomes a graph with all shapes and parameters known, before any data."""

from math import prod

import pytest

from bpcore.graph import INPUT, build


def layer(kind, name=None, inputs=(), **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs)}


CONVNET = [layer("conv2d", filters=32, kernel=3, padding="same"), layer("relu"), layer("max_pool2d", size=2),
           layer("flatten"), layer("linear", units=10)]

RESIDUAL = [layer("linear", "a", units=4), layer("relu", "b"), layer("linear", "c", units=4),
            layer("add", "d", ["a", "c"]), layer("linear", "e", units=2)]


def test_a_list_without_names_is_a_chain():
    built = build([8, 8, 1], CONVNET)
    assert [node.inputs for node in built.nodes] == [(INPUT,), (0,), (1,), (2,), (3,)]


def test_shapes_flow_from_the_input_to_the_output():
    """The job file of the architecture page, by hand: same padding keeps 8 × 8, the pool halves it."""
    built = build([8, 8, 1], CONVNET)
    assert [node.shape for node in built.nodes] == [(8, 8, 32), (8, 8, 32), (4, 4, 32), (512,), (10,)]
    assert built.output == (10,)


def test_the_shape_at_the_input_is_the_samples():
    built = build([8, 8, 1], CONVNET)
    assert [built.shape(position) for position in (INPUT, 0, 4)] == [(8, 8, 1), (8, 8, 32), (10,)]


def test_a_layer_without_a_name_is_called_by_kind_and_place():
    assert [node.name for node in build([8, 8, 1], CONVNET).nodes] == [
        "conv2d_0", "relu_1", "max_pool2d_2", "flatten_3", "linear_4"]


def test_layers_read_the_names_they_are_given():
    built = build([3], RESIDUAL)
    assert [node.inputs for node in built.nodes] == [(INPUT,), (0,), (1,), (0, 2), (3,)]


def test_the_models_input_is_read_by_its_name():
    built = build([3], [layer("linear", units=3), layer("add", inputs=["input", "linear_0"])])
    assert built.nodes[1].inputs == (INPUT, 0)


def test_one_output_may_be_read_twice_by_one_layer():
    built = build([3], [layer("relu", "a"), layer("add", inputs=["a", "a", "a"])])
    assert built.nodes[1].inputs == (0, 0, 0)


def test_a_layer_may_hand_in_nothing_but_its_kind():
    assert build([3], [{"kind": "relu"}]).output == (3,)


def test_the_layout_holds_every_parameter_in_order():
    """Sizes by hand: 3·3·1·32 + 32 of conv2d, 512·10 + 10 of linear."""
    layout = build([8, 8, 1], CONVNET).layout()
    assert [slot.full_name for slot in layout.slots] == [
        "conv2d_0.weight", "conv2d_0.bias", "linear_4.weight", "linear_4.bias"]
    assert [prod(slot.shape) for slot in layout.slots] == [288, 32, 5120, 10]
    assert layout.count == 5450


def test_fans_count_what_feeds_and_what_is_fed():
    """Glorot & Bengio's fans: for a kernel, its area times the channels of either side."""
    built = build([8, 8, 3], [layer("conv2d", filters=5, kernel=[3, 2]), layer("flatten"), layer("linear", units=7)])
    weight, dense = built.nodes[0].parameters["weight"], built.nodes[2].parameters["weight"]
    assert (weight.fan_in, weight.fan_out) == (3 * 2 * 3, 3 * 2 * 5)
    assert (dense.fan_in, dense.fan_out) == (6 * 7 * 5, 7)


@pytest.mark.parametrize(("padding", "stride", "shape"), [
    # ⌊(7 − 3) / s⌋ + 1 and ⌊(5 − 2) / s⌋ + 1 by whole windows; ⌈7 / s⌉ and ⌈5 / s⌉ with zeros around
    ("valid", 1, (5, 4, 1)), ("valid", 2, (3, 2, 1)), ("valid", 3, (2, 2, 1)),
    ("same", 1, (7, 5, 1)), ("same", 2, (4, 3, 1)), ("same", 3, (3, 2, 1)),
])
def test_a_convolutions_output_has_the_size_of_the_formula(padding, stride, shape):
    conv = layer("conv2d", filters=1, kernel=[3, 2], padding=padding, stride=stride)
    assert build([7, 5, 2], [conv]).output == shape


def test_same_padding_takes_a_kernel_larger_than_the_input():
    assert build([2, 2, 1], [layer("conv2d", filters=1, kernel=5, padding="same")]).output == (2, 2, 1)


def test_a_pool_steps_by_its_size_unless_told():
    assert build([7, 7, 1], [layer("max_pool2d", size=3)]).output == (2, 2, 1)
    assert build([7, 7, 1], [layer("max_pool2d", size=3, stride=1)]).output == (5, 5, 1)


def test_linear_keeps_leading_axes():
    assert build([6, 5, 4], [layer("linear", units=3)]).output == (6, 5, 3)


def test_a_graph_of_any_size_is_built_without_taking_memory():
    """10¹⁶ parameters: nothing that is checked at submission may depend on having room for them."""
    assert build([10**8], [layer("linear", units=10**8, bias=False)]).layout().count == 10**16
