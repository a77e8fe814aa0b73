"""Small charts, drawn by hand: eight dots a character."""

import math

import pytest

from coordinator.terminal.chart import COLORS, chart

FALLING = """
8┤⢣⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
 │⠀⠱⡀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
4┤⠀⠀⠈⠑⠢⣀⡀⠀⠀⠀⠀⢀⣀⣀⠀⠀⠀⠀
0┤⠀⠀⠀⠀⠀⠀⠈⠑⠒⠒⠊⠁⠀⠀⠉⠒⠢⢄
  0                7
  ━ loss
"""
CROSSING = """
2┤⠉⠑⠢⢄⡀⠀⠀⠀⠀⠀⠀⠀⠀⢀⡠⠔⠊⠉
 │⠀⠀⠀⠀⠈⠉⠒⠤⣀⢀⡠⠔⠊⠁⠀⠀⠀⠀
1┤⠀⠀⠀⠀⣀⡠⠔⠒⠉⠉⠑⠢⠤⣀⠀⠀⠀⠀
0┤⡠⠔⠒⠉⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠉⠑⠢⢄
  0                2
  ━ up   ━ down
"""
CONSTANT = """
2┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
 │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
2┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
2┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
  0                3
  ━ loss
"""
ONE_POINT = """
1┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
 │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
1┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠁⠀⠀⠀⠀⠀⠀⠀⠀
1┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
  5                5
  ━ loss
"""
DRAWN = {
    "falling": (FALLING, {"loss": (range(8), [8, 4, 2, 1, 1, 2, 1, 0])}),
    "crossing": (CROSSING, {"up": (range(3), [0, 1, 2]), "down": (range(3), [2, 1, 0])}),
    "constant": (CONSTANT, {"loss": (range(4), [2, 2, 2, 2])}),
    "one point": (ONE_POINT, {"loss": ([5], [1])}),
}
EMPTY = "⠀"


def lines(text):
    return [line.rstrip(" ") for line in text.plain.strip("\n").split("\n")]


@pytest.mark.parametrize(("picture", "series"), DRAWN.values(), ids=DRAWN)
def test_a_small_chart_looks_like_this(picture, series):
    assert lines(chart(series, 20, 6)) == [line.rstrip(" ") for line in picture.strip("\n").split("\n")]


@pytest.mark.parametrize("series", [{}, {"loss": ([], [])}, {"loss": ([0, 1], [math.nan, math.inf])}], ids=str)
def test_without_points_it_says_so(series):
    assert chart(series, 20, 6).plain == "no points yet"


def middle_column(text):
    """What stands in the middle of the canvas, from top to bottom."""
    return [line[2 + 9] for line in lines(text)[:4]]


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_leaves_a_gap(hole):
    drawn = chart({"loss": (range(5), [4, 3, hole, 1, 0])}, 20, 6)
    assert middle_column(drawn) == [EMPTY] * 4


def test_infinity_does_not_stretch_the_axis():
    drawn = lines(chart({"loss": (range(5), [4, 3, math.inf, 1, 0])}, 20, 6))
    assert (drawn[0][0], drawn[3][0]) == ("4", "0")


@pytest.mark.parametrize(("width", "height"), [(20, 6), (40, 10), (100, 16), (30, 7)])
def test_a_chart_is_as_large_as_asked_for(width, height):
    drawn = chart({"loss": (range(50), [1 / (i + 1) for i in range(50)])}, width, height).plain.split("\n")
    assert len(drawn) == height
    assert max(len(line) for line in drawn[:-1]) == width


def test_a_spike_of_one_step_reaches_the_top():
    values = [0.0] * 500
    values[250] = 1.0
    assert middle_column(chart({"loss": (range(500), values)}, 20, 6))[0] != EMPTY


def test_points_stand_where_their_steps_are():
    """Also where steps are missing: the third of three points lies far to the right."""
    top = lines(chart({"loss": ([0, 1, 100], [0, 1, 1])}, 20, 6))[0]
    assert EMPTY not in top[2:]


def test_each_series_has_a_colour_and_its_name_in_it():
    drawn = chart({"loss": ([0, 1], [1, 0]), "eval_loss": ([0, 1], [0, 1])}, 20, 6)
    styles = [str(span.style) for span in drawn.spans if drawn.plain[span.start:span.end] == "━ "]
    assert styles == list(COLORS[:2])


def test_labels_are_short_numbers():
    drawn = lines(chart({"loss": ([0, 1], [1234567.0, 0.000012345])}, 40, 6))
    assert [line.split("┤")[0].strip() for line in drawn if "┤" in line] == ["1.235e+06", "6.173e+05", "1.234e-05"]
