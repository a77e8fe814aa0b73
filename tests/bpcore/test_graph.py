"""A list of layers becomes a graph with all shapes and parameters known, before any data."""

from math import prod
from types import SimpleNamespace

import pytest

from bpcore import graph as graphs
from bpcore.graph import Input, build


def layer(kind, name=None, inputs=(), share=None, **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs), "share": share}


def graph(shape, layers):
    return build({"input": shape, "layers": layers})


CONVNET = [layer("conv2d", filters=32, kernel=3, padding="same"), layer("relu"), layer("max_pool2d", size=2),
           layer("flatten"), layer("linear", units=10)]

RESIDUAL = [layer("linear", "a", units=4), layer("relu", "b"), layer("linear", "c", units=4),
            layer("add", "d", ["a", "c"]), layer("linear", "e", units=2)]

TWO_TOWERS = {"inputs": {"left": {"shape": [3]}, "right": {"shape": [4], "field": "y"}},
              "layers": [layer("linear", "a", ["left"], units=2), layer("linear", "b", ["right"], units=2),
                         layer("add", "join", ["a", "b"])]}


def test_a_list_without_names_is_a_chain():
    """Place 0 is the model's input, so layer i stands at place i + 1."""
    built = graph([8, 8, 1], CONVNET)
    assert [node.inputs for node in built.nodes] == [(0,), (1,), (2,), (3,), (4,)]


def test_shapes_flow_from_the_input_to_the_output():
    """The job file of the architecture page, by hand: same padding keeps 8 × 8, the pool halves it."""
    built = graph([8, 8, 1], CONVNET)
    assert [node.shape for node in built.nodes] == [(8, 8, 32), (8, 8, 32), (4, 4, 32), (512,), (10,)]
    assert built.output == (10,)


def test_a_model_with_one_input_reads_the_field_x():
    assert graph([8, 8, 1], CONVNET).inputs == (Input("input", (8, 8, 1), integer=False, field="x"),)


def test_a_layer_without_a_name_is_called_by_kind_and_place():
    assert [node.name for node in graph([8, 8, 1], CONVNET).nodes] == [
        "conv2d_0", "relu_1", "max_pool2d_2", "flatten_3", "linear_4"]


def test_layers_read_the_names_they_are_given():
    built = graph([3], RESIDUAL)
    assert [node.inputs for node in built.nodes] == [(0,), (1,), (2,), (1, 3), (4,)]


def test_the_models_input_is_read_by_its_name():
    built = graph([3], [layer("linear", units=3), layer("add", inputs=["input", "linear_0"])])
    assert built.nodes[1].inputs == (0, 1)


def test_one_output_may_be_read_twice_by_one_layer():
    built = graph([3], [layer("relu", "a"), layer("add", inputs=["a", "a", "a"])])
    assert built.nodes[1].inputs == (1, 1, 1)


def test_a_layer_may_hand_in_nothing_but_its_kind():
    assert graph([3], [{"kind": "relu"}]).output == (3,)


def test_a_layer_is_found_by_its_name():
    built = graph([3], RESIDUAL)
    assert [built.index(name) for name in ("a", "e", "input", "f")] == [0, 4, None, None]


def test_the_layout_holds_every_parameter_in_order():
    """Sizes by hand: 3·3·1·32 + 32 of conv2d, 512·10 + 10 of linear."""
    layout = graph([8, 8, 1], CONVNET).layout()
    assert [slot.full_name for slot in layout.slots] == [
        "conv2d_0.weight", "conv2d_0.bias", "linear_4.weight", "linear_4.bias"]
    assert [prod(slot.shape) for slot in layout.slots] == [288, 32, 5120, 10]
    assert layout.count == 5450


def test_fans_count_what_feeds_and_what_is_fed():
    """Glorot & Bengio's fans: for a kernel, its area times the channels of either side."""
    built = graph([8, 8, 3], [layer("conv2d", filters=5, kernel=[3, 2]), layer("flatten"), layer("linear", units=7)])
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
    assert graph([7, 5, 2], [conv]).output == shape


def test_same_padding_takes_a_kernel_larger_than_the_input():
    assert graph([2, 2, 1], [layer("conv2d", filters=1, kernel=5, padding="same")]).output == (2, 2, 1)


def test_a_pool_steps_by_its_size_unless_told():
    assert graph([7, 7, 1], [layer("max_pool2d", size=3)]).output == (2, 2, 1)
    assert graph([7, 7, 1], [layer("max_pool2d", size=3, stride=1)]).output == (5, 5, 1)


def test_linear_keeps_leading_axes():
    assert graph([6, 5, 4], [layer("linear", units=3)]).output == (6, 5, 3)


def test_a_graph_of_any_size_is_built_without_taking_memory():
    """10¹⁶ parameters: nothing that is checked at submission may depend on having room for them."""
    assert graph([10**8], [layer("linear", units=10**8, bias=False)]).layout().count == 10**16


def test_named_inputs_stand_before_the_layers():
    built = build(TWO_TOWERS)
    assert [node.inputs for node in built.nodes] == [(0,), (1,), (2, 3)]
    assert built.nodes[1].parameters["weight"].shape == (4, 2)


def test_a_named_input_is_filled_by_the_field_of_its_name_unless_told():
    assert [(given.name, given.field) for given in build(TWO_TOWERS).inputs] == [("left", "left"), ("right", "y")]


def test_two_inputs_may_share_a_field():
    inputs = {"one": {"shape": [3], "field": "x"}, "other": {"shape": [3], "field": "x"}}
    built = build({"inputs": inputs, "layers": [layer("add", inputs=["one", "other"])]})
    assert [given.field for given in built.inputs] == ["x", "x"]


def test_an_integer_input_may_be_one_number_a_sample(doubles):
    built = build({"inputs": {"user": {"integer": True}}, "layers": [layer("lookup", units=3)]})
    assert built.inputs == (Input("user", (), integer=True, field="user"),)
    assert built.output == (3,)


def test_a_mask_is_read_beside_numbers(doubles):
    inputs = {"x": {"shape": [4, 2]}, "mask": {"shape": [4], "integer": True}}
    built = build({"inputs": inputs, "layers": [layer("linear", units=3, inputs=["x"]), layer("masked", inputs=["linear_0", "mask"])]})
    assert built.inputs[built.nodes[0].inputs[0]].name == "x"
    assert built.nodes[1].inputs[0] == 2 and built.inputs[built.nodes[1].inputs[1]].name == "mask"
    assert built.output == (4, 3)


def test_the_order_of_inputs_in_the_job_file_does_not_matter():
    """Protobuf's maps have none: it differs from one process to the next."""
    backwards = dict(reversed(TWO_TOWERS["inputs"].items()))
    assert build(TWO_TOWERS | {"inputs": backwards}) == build(TWO_TOWERS)


def test_layers_that_losses_read_need_no_other_reader():
    built = build({"input": [3], "layers": RESIDUAL[:1] + [layer("relu", "b"), layer("tanh", "c", ["a"])]}, ["b", "c"])
    assert [node.name for node in built.nodes] == ["a", "b", "c"]


def test_an_output_may_be_read_by_layers_too():
    assert len(build({"input": [3], "layers": RESIDUAL}, ["b", "e"]).nodes) == 5


def test_shared_parameters_are_those_of_the_first_layer():
    towers = [layer("linear", "a", ["input"], units=3), layer("linear", "b", ["input"], share="a", units=3),
              layer("linear", "c", ["input"], share="b", units=3), layer("add", inputs=["a", "b", "c"])]
    built = graph([2], towers)
    assert [node.shared for node in built.nodes] == [{}, {"weight": 0, "bias": 0}, {"weight": 0, "bias": 0}, {}]
    assert [slot.full_name for slot in built.layout().slots] == ["a.weight", "a.bias"]
    assert built.layout().count == 9


def test_only_parameters_of_the_same_name_are_shared():
    layers = [layer("linear", "a", units=2, bias=False), layer("linear", "b", share="a", units=2)]
    built = graph([2], layers)
    assert built.nodes[1].shared == {"weight": 0}
    assert [slot.full_name for slot in built.layout().slots] == ["a.weight", "b.bias"]


def test_a_chain_of_shares_leads_to_the_owner_of_each_parameter():
    """c's bias is b's own, and its weight is a's."""
    layers = [layer("linear", "a", units=2, bias=False), layer("linear", "b", share="a", units=2),
              layer("linear", "c", share="b", units=2)]
    assert graph([2], layers).nodes[2].shared == {"weight": 0, "bias": 1}


def test_a_statistic_is_marked_in_the_layout(doubles):
    slots = graph([3], [layer("centered")]).layout().slots
    assert [(slot.name, slot.momentum) for slot in slots] == [("scale", None), ("mean", 0.25)]


def test_every_case_of_a_layer_is_a_model(layer_case, monkeypatch):
    """Its inputs by name, integers where it reads integers; the graph finds the shapes that the case has."""
    monkeypatch.setattr(graphs, "LAYERS", SimpleNamespace(build=lambda component: layer_case.layer))
    inputs = {f"in{i}": {"shape": shape, "integer": i in layer_case.integers} for i, shape in enumerate(layer_case.inputs)}
    (node,) = build({"inputs": inputs, "layers": [layer("any", inputs=inputs)]}).nodes
    assert node.shape == layer_case.layer.output_shape(*layer_case.inputs)
    assert node.parameters == layer_case.layer.parameters(*layer_case.inputs)
