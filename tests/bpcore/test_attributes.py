"""What a field of a component accepts, and how it refuses."""

import json
import re
from dataclasses import dataclass

import pytest

from bpcore.attributes import build, choice, flag, integer, integers, names, number, numbers, pair, text, unknown
from bpcore.errors import InvalidInput

INF, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class Sample:
    """One field of every kind; only `units` is required."""

    units: int = integer(minimum=1)
    seed: int = integer(0)
    depth: int = integer(2, minimum=2)
    scale: float = number(1.0)
    rate: float = number(0.5, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)
    bias: bool = flag(True)
    name: str = text("x")
    mode: str = choice("valid", "same")
    kernel: tuple[int, int] = pair((1, 1))
    weights: tuple[float, ...] = numbers(())
    sizes: tuple[int, ...] = integers((), minimum=1)
    exclude: tuple[str, ...] = names(())


ACCEPTED = [
    ("units", 3, 3), ("units", 3.0, 3), ("seed", 0, 0), ("seed", 0.0, 0), ("seed", 2**63, 2**63),
    ("scale", -2, -2.0), ("scale", 1e300, 1e300), ("rate", 0, 0.0), ("rate", 0.999, 0.999), ("epsilon", 1e-300, 1e-300),
    ("bias", False, False), ("name", "é", "é"), ("mode", "same", "same"),
    ("kernel", 3, (3, 3)), ("kernel", 3.0, (3, 3)), ("kernel", [3, 2], (3, 2)), ("kernel", (3.0, 2), (3, 2)),
    ("weights", [], ()), ("weights", [1, -0.5], (1.0, -0.5)), ("sizes", [3.0, 2], (3, 2)), ("exclude", ["*.bias", ""], ("*.bias", "")),
]

REFUSED = {
    "units": ("a positive integer", [True, "ten", -1, 0, 2.5, NAN, INF, -INF, None, [3], {}]),
    "seed": ("a non-negative integer", [False, "0", -1, 0.5, NAN, INF]),
    "depth": ("an integer ≥ 2", [1, 1.0, "2"]),
    "scale": ("a number", [True, "1", NAN, INF, -INF, None, [], 10**400]),
    "rate": ("a number ≥ 0 and < 1", [True, -0.1, 1, 1.0, NAN]),
    "epsilon": ("a number > 0", [0, -1e-9, INF]),
    "bias": ("true or false", [0, 1, "true", None]),
    "name": ("a non-empty string", ["", 3, None, ["x"]]),
    "mode": ("one of valid, same", ["full", "", None, 1, ["same"]]),
    "kernel": ("an integer ≥ 1, or two of them (height, width)",
               [0, True, "33", [3], [3, 3, 3], [3, 0], [3, INF], [3, NAN], None, {"height": 3}]),
    "weights": ("a list of numbers", [1, "1", ["1"], [True], [NAN], [[1]], {"a": 1}, None]),
    "sizes": ("a list of integers ≥ 1", [3, [0], [2.5], [True], "3", [INF], None]),
    "exclude": ("a list of names", ["*.bias", [1], [None], {"a": 1}, None]),
}


def problems(values):
    with pytest.raises(InvalidInput) as caught:
        build(Sample, values)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("field", "value", "kept"), ACCEPTED, ids=str)
def test_a_value_that_fits_is_kept_in_its_own_type(field, value, kept):
    got = getattr(build(Sample, {"units": 1} | {field: value}), field)
    assert got == kept
    assert type(got) is type(kept)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, (_, values) in REFUSED.items() for value in values],
                         ids=lambda value: str(value)[:12])
def test_a_value_that_does_not_fit_is_refused_with_what_would(field, value):
    wants, _ = REFUSED[field]
    came = json.dumps(int(value) if value == 1.0 and value is not True else value)
    came = came if len(came) <= 60 else came[:57] + "..."
    assert problems({"units": 1} | {field: value}) == [f"{field}: expected {wants}, got {came}"]


def test_every_field_of_the_sample_is_refused_something():
    assert set(REFUSED) == set(Sample.__dataclass_fields__)


def test_what_is_left_out_takes_its_default():
    assert build(Sample, {"units": 1}) == Sample(1, 0, 2, 1.0, 0.5, 1e-8, True, "x", "valid", (1, 1), (), (), ())


def test_a_missing_attribute_is_named_with_what_it_wants():
    assert problems({}) == ["units: expected a positive integer, but it is missing"]


def test_an_unknown_attribute_gets_the_nearest_and_all_known_ones():
    known = "bias, depth, epsilon, exclude, kernel, mode, name, rate, scale, seed, sizes, units, weights"
    assert problems({"units": 1, "unit": 2}) == [f'unit: unknown attribute "unit"; did you mean units? known: {known}']


def test_every_problem_is_reported_at_once():
    found = problems({"unit": 3, "rate": 2, "bias": "no", "mode": "full"})
    assert [line.partition(":")[0] for line in found] == ["unit", "units", "rate", "bias", "mode"]


def test_unknown_says_none_when_nothing_is_known():
    assert unknown("size", [], "attribute") == 'unknown attribute "size"; known: none'


def test_unknown_takes_a_name_that_is_no_string():
    with pytest.raises(InvalidInput, match=re.escape('3: unknown attribute "3"; known: ')):
        build(Sample, {"units": 1, 3: 4})
