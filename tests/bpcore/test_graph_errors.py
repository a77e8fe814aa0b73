"""What a user reads when a model does not hold together: the place, what was expected, what came."""

import pytest

from bpcore.errors import InvalidInput
from bpcore.graph import build

KINDS = "add, conv2d, dropout, flatten, linear, max_pool2d, relu, sigmoid, tanh"


def layer(kind, name=None, inputs=(), share=None, **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs), "share": share}


def problems(inputs, *layers, outputs=()):
    """`inputs`: the shape of the one input, or several by name."""
    with pytest.raises(InvalidInput) as caught:
        build({"inputs" if isinstance(inputs, dict) else "input": inputs, "layers": layers}, outputs)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("attributes", "problem"), [
    ({"units": 3, "unit": 3},
     'unit: unknown attribute "unit"; did you mean units? known: bias, bias_initializer, transposed, units, weight_initializer'),
    ({"units": "ten"}, 'units: expected a positive integer, got "ten"'),
    ({"units": True}, "units: expected a positive integer, got true"),
    ({"units": float("inf")}, "units: expected a positive integer, got Infinity"),
    ({"units": 3, "bias": 1}, "bias: expected true or false, got 1"),
    ({}, "units: expected a positive integer, but it is missing"),
], ids=str)
def test_an_attribute_is_refused_under_its_path(attributes, problem):
    assert problems([3], layer("relu"), layer("linear", **attributes)) == [f"model.layers[1].linear.{problem}"]


def test_an_unknown_layer_gets_the_nearest_name_and_all_known_ones():
    (problem,) = problems([3], layer("lineer", units=3))
    start, _, known = problem.partition("; did you mean linear? known: ")
    assert start == 'model.layers[0]: unknown layer "lineer"'
    assert set(KINDS.split(", ")) <= set(known.split(", "))


def test_an_unknown_initializer_is_named_under_the_layers_attribute():
    (problem,) = problems([3], layer("linear", units=3, weight_initializer="he_norml"))
    assert problem.startswith("model.layers[0].linear.weight_initializer: "
                              'unknown initializer "he_norml"; did you mean he_normal? known: ')


def test_a_shape_that_does_not_fit_is_named_with_place_kind_and_source():
    assert problems([8, 8, 1], layer("flatten"), layer("conv2d", filters=1, kernel=3)) == [
        "model.layers[1].conv2d: expected (height, width, channels), got (64,); "
        "give images a channel axis, such as [28, 28, 1]; its input is (64,) from flatten_0"]


def test_a_kernel_larger_than_its_input_is_refused_with_what_to_do():
    assert problems([2, 5, 1], layer("conv2d", filters=1, kernel=3)) == [
        "model.layers[0].conv2d: expected a window of at most the input's height 2, got 3; "
        "use padding: same, or a smaller kernel; its input is (2, 5, 1) from the model's input"]


def test_a_pool_larger_than_its_input_gets_no_advice_that_it_cannot_take():
    """max_pool2d has no attribute `padding`."""
    (problem,) = problems([5, 2, 1], layer("max_pool2d", size=3))
    assert problem.startswith("model.layers[0].max_pool2d: expected a window of at most the input's width 2, got 3; ")
    assert "padding" not in problem


def test_shapes_that_cannot_be_added_name_both_sources():
    layers = layer("linear", "a", units=2), layer("linear", "b", units=3), layer("add", inputs=["a", "b"])
    assert problems([3], *layers) == ["model.layers[2].add: expected inputs of one shape, (2,), got (3,); "
                                      "its input is (2,) from a and (3,) from b"]


def test_a_join_of_one_input_is_refused():
    assert problems([3], layer("add")) == [
        "model.layers[0].add: expected 2 or more inputs, got 1; inputs: [...] names them"]


def test_a_layer_of_one_input_refuses_two():
    assert problems([3], layer("relu", inputs=["input", "input"])) == [
        "model.layers[0].relu: expected 1 input(s), got 2; inputs: [...] names them"]


def test_a_layer_of_one_or_two_inputs_refuses_three(doubles):
    inputs = {"x": {"shape": [4, 2]}, "mask": {"shape": [4], "integer": True}}
    assert problems(inputs, layer("masked", inputs=["x", "mask", "mask"])) == [
        "model.layers[0].masked: expected 1 to 2 inputs, got 3; inputs: [...] names them"]


@pytest.mark.parametrize("names", [("a", "a"), ("input", None), ("relu_1", None)], ids=str)
def test_a_name_is_given_once(names):
    first, second = names
    found = problems([3], layer("relu", first), layer("relu", second))
    place, name = (0, "input") if first == "input" else (1, first)
    assert found == [f'model.layers[{place}].name: expected a name no other layer has, got "{name}"']


@pytest.mark.parametrize("later", ["b", "c"])
def test_a_layer_reads_only_earlier_ones(later):
    found = problems([3], layer("relu", "a"), layer("relu", "b", [later]), layer("relu", "c"))
    assert f'model.layers[1].inputs: unknown earlier layer "{later}"; known: a, input' in found


def test_an_unknown_input_gets_the_nearest_name():
    found = problems([3], layer("relu", "stem"), layer("relu", "top", ["stemm"]))
    assert 'model.layers[1].inputs: unknown earlier layer "stemm"; did you mean stem? known: input, stem' in found


def test_a_mistyped_input_is_one_problem():
    """The layer meant by the typo, and the ones named rightly beside it, are not reported as unread."""
    (typo,) = problems([3], layer("relu", "a"), layer("relu", "b", ["input"]), layer("add", inputs=["b", "aa"]))
    assert typo == 'model.layers[2].inputs: unknown earlier layer "aa"; did you mean a? known: a, b, input'


def test_a_layer_that_nobody_reads_is_refused():
    assert problems([3], layer("relu", "a"), layer("relu", "b", ["input"])) == [
        'model.layers[0]: expected another layer to read "a", but none does']


def test_a_model_without_layers_is_refused():
    assert problems([3]) == ["model.layers: expected at least one layer, got none"]


@pytest.mark.parametrize(("shape", "came"), [([], "[]"), ([0], "[0]"), ([3, -1], "[3, -1]")])
def test_an_input_of_no_size_is_refused(shape, came):
    assert problems(shape, layer("relu")) == [
        f"model.input: expected the shape of one sample, such as [28, 28, 1], got {came}"]


def test_a_layer_behind_a_broken_one_is_checked_for_its_attributes_alone():
    layers = layer("lineer"), layer("conv2d", kernel=3), layer("max_pool2d"), layer("linear", units=0)
    assert [line.partition(":")[0] for line in problems([3], *layers)] == [
        "model.layers[0]", "model.layers[1].conv2d.filters", "model.layers[3].linear.units"]


@pytest.mark.parametrize(("given", "came"), [({}, "[]"), ({"shape": []}, "[]"), ({"shape": [4, 0]}, "[4, 0]"),
                                             ({"shape": [0], "integer": True}, "[0]")], ids=str)
def test_a_named_input_of_no_size_is_refused_by_its_name(given, came):
    found = problems({"x": {"shape": [3]}, "side": given}, layer("add", inputs=["x", "side"]))
    assert found[0] == f"model.inputs.side.shape: expected the shape of one sample, such as [28, 28, 1], got {came}"


def test_a_mistyped_input_gets_the_names_of_all_inputs():
    found = problems({"left": {"shape": [3]}, "right": {"shape": [3]}}, layer("relu", inputs=["rigth"]))
    assert found == ['model.layers[0].inputs: unknown earlier layer "rigth"; did you mean right? known: left, right']


def test_a_layer_may_not_take_the_name_of_an_input():
    found = problems({"left": {"shape": [3]}}, layer("relu", "left"))
    assert found == ['model.layers[0].name: expected a name no other layer has, got "left"']


def test_the_first_layer_says_which_of_several_inputs_it_reads():
    """They have no order (test_graph.py)."""
    found = problems({"left": {"shape": [3]}, "right": {"shape": [3]}}, layer("relu"))
    assert found == ["model.layers[0].inputs: expected names of the model's inputs, as there are several: left, right"]


INTEGERS = {"ids": {"shape": [4], "integer": True}, "x": {"shape": [4]}}


def test_a_layer_that_computes_refuses_integers():
    assert problems({"input": {"shape": [4], "integer": True}}, layer("linear", units=2)) == [
        "model.layers[0].linear: expected numbers, not integers, as input 1, got the model's input"]


def test_a_refused_input_of_several_is_named(doubles):
    assert problems(INTEGERS, layer("add", inputs=["x", "ids"])) == [
        "model.layers[0].add: expected numbers, not integers, as input 2, got the model's input ids"]


@pytest.mark.parametrize(("source", "came"), [("x", "the model's input x"), ("a", "a")])
def test_a_layer_of_integers_refuses_numbers(doubles, source, came):
    wants = "expected integers, from one of the model's inputs with integer: true, as input 1"
    found = problems(INTEGERS, layer("lookup", "a", ["ids"]), layer("lookup", "b", [source]), outputs=["a", "b"])
    assert found == [f"model.layers[1].lookup: {wants}, got {came}"]


def test_an_input_that_no_layer_reads_is_refused():
    assert problems({"left": {"shape": [3]}, "right": {"shape": [3]}}, layer("relu", inputs=["left"])) == [
        'model.inputs.right: expected a layer to read "right", but none does']


def test_an_input_beside_several_is_refused():
    with pytest.raises(InvalidInput, match="^model.input: expected either input or inputs, got both; leave one out$"):
        build({"input": [3], "inputs": {"x": {"shape": [3]}}, "layers": [layer("relu")]})


def test_a_mask_of_numbers_is_refused(doubles):
    found = problems(INTEGERS, layer("masked", inputs=["x", "x"]))
    assert found == ["model.layers[0].masked: expected integers, from one of the model's inputs with integer: true, "
                     "as input 2, got the model's input x"]


def test_what_sharing_finds_nowhere_gets_the_nearest_name():
    found = problems([3], layer("linear", "tower", units=3), layer("linear", "twin", share="towr", units=3))
    assert found == ['model.layers[1].share: unknown earlier layer "towr"; did you mean tower? known: tower']


@pytest.mark.parametrize("later", ["b", "c", "input"])
def test_a_layer_shares_only_with_earlier_layers(later):
    layers = layer("linear", "a", units=3), layer("linear", "b", share=later, units=3), layer("linear", "c", units=3)
    assert problems([3], *layers)[0] == f'model.layers[1].share: unknown earlier layer "{later}"; known: a'


def test_shared_parameters_have_one_shape():
    found = problems([3], layer("linear", "a", units=3), layer("linear", "b", share="a", units=2))
    assert found == ['model.layers[1].share: expected "weight" of (3, 3), as a has it, got (3, 2)']


def test_sharing_with_a_layer_that_has_nothing_of_the_kind_is_refused():
    found = problems([3], layer("relu", "a"), layer("linear", "b", share="a", units=2))
    assert found == ['model.layers[1].share: expected a layer with parameters of the same names, got "a", which has none']


def test_a_layer_that_neither_layers_nor_losses_read_is_refused():
    layers = layer("relu", "a"), layer("tanh", "b", ["input"]), layer("sigmoid", "c", ["input"])
    assert problems([3], *layers, outputs=["b"]) == [
        'model.layers[0]: expected another layer to read "a", but none does',
        'model.layers[2]: expected another layer to read "c", but none does']


def test_a_layer_behind_one_whose_share_failed_is_not_blamed():
    layers = layer("linear", "a", units=3), layer("linear", "b", share="x", units=3), layer("conv2d", filters=1, kernel=3)
    assert [line.partition(":")[0] for line in problems([3], *layers)] == ["model.layers[1].share"]
