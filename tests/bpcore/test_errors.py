"""The wording of refusals, and the tree that they hang on."""

import pytest

from bpcore import errors
from bpcore.errors import BptrainError, InvalidInput, Problem, ShapeError, expected, show
from bpcore.shapes import describe, require_axes, windows


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    lines = [line.strip(" │└├─").split()[0] for line in errors.__doc__.splitlines() if line.startswith("    ")]
    tree = [kind.__name__ for kind in reversed(ShapeError.__mro__) if issubclass(kind, BptrainError)]
    assert lines == tree == ["BptrainError", "InvalidInput", "ShapeError"]


def test_an_invalid_input_reads_as_one_line_a_problem():
    error = InvalidInput([Problem("loss", "unknown"), Problem("model.input", "missing")])
    assert str(error) == "loss: unknown\nmodel.input: missing"


def test_a_problem_without_a_field_is_its_message():
    assert str(Problem("", "does not fit")) == "does not fit"


@pytest.mark.parametrize(("field", "prefixed"), [("units", "linear.units"), ("", "linear")])
def test_a_problem_moves_under_a_prefix(field, prefixed):
    assert Problem(field, "too small").under("linear") == Problem(prefixed, "too small")


def test_a_shape_error_is_one_problem_without_a_field():
    assert ShapeError("does not fit").problems == [Problem("", "does not fit")]


def test_a_refusal_says_what_was_expected_what_came_and_what_to_do():
    assert expected("a positive integer", -1) == "expected a positive integer, got -1"
    assert expected("a name", None, "give one") == "expected a name, got null; give one"


@pytest.mark.parametrize(("value", "text"), [
    (True, "true"), (None, "null"), ("ten", '"ten"'), ([1, 2], "[1, 2]"), ({"a": 1.5}, '{"a": 1.5}'),
    ("(8, 8, 1)", "(8, 8, 1)"),  # a shape, described already
    ({1, 2}, "set"), (object(), "object"),
], ids=lambda value: type(value).__name__)
def test_a_value_is_shown_as_the_job_file_writes_it(value, text):
    assert show(value) == text


def test_a_long_value_is_cut():
    text = show("x" * 1000)
    assert len(text) == 60
    assert text.startswith('"xxx') and text.endswith("x...")


def test_an_integer_too_long_to_print_is_still_named():
    assert show(10**10_000) == "int"  # Python refuses to print more than 4300 digits


@pytest.mark.parametrize(("shape", "text"), [((), "()"), ((5,), "(5,)"), ((8, 8, 1), "(8, 8, 1)")])
def test_a_shape_is_described_as_a_tuple(shape, text):
    assert describe(shape) == text == str(shape)


def test_a_shape_with_the_wanted_axes_passes():
    assert require_axes((2, 3), "time", "features") is None


def test_a_shape_without_the_wanted_axes_is_refused():
    with pytest.raises(ShapeError, match=r"expected \(time, features\), got \(5,\); add a time axis$"):
        require_axes((5,), "time", "features", hint="add a time axis")


@pytest.mark.parametrize(("size", "window", "stride"), [(5, 2, 1), (5, 2, 2), (6, 2, 2), (6, 3, 4), (3, 3, 1), (1, 1, 7)])
def test_windows_are_counted_as_by_sliding_one(size, window, stride):
    starts = [start for start in range(0, size, stride) if start + window <= size]
    assert windows(size, window, stride, "height") == len(starts)


def test_a_window_larger_than_the_input_is_refused():
    with pytest.raises(ShapeError, match="expected a window of at most the input's width 2, got 3; "):
        windows(2, 3, 1, "width")
