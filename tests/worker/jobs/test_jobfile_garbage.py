"""Whatever stands in a field, `parse` answers with a spec or with problems, and the checks with every problem."""

import copy
import datetime

import pytest

from bpcore.errors import InvalidInput
from worker.jobs import checks, jobfile, specs

DEEP = {"x": {"y": [{"z": [[], {}, None]}]}}
GARBAGE = [
    None, [], {}, "", "x", "a\0b", "relu", 0, -1, 1.5, 1e300, 2**32, 2**64, True, b"bytes",
    (1, 2), {1, 2}, datetime.date(2024, 1, 1), object(), [[]], [None], [1, "x", None], [1] * 100, {None: 1}, {1: 2}, {True: {}}, {("a",): 1},
    {"kind": "relu"}, {"kind": 5}, {"kind": "relu", "attributes": 5}, {"kind": "relu", "attributes": {"a": None}}, {"relu": 5},
    {"relu": {"a": 1}}, {"relu": {1: 2}}, {"relu": {"a": datetime.date(2024, 1, 1)}}, {"relu": {"a": DEEP}}, {"a": 1, "b": 2},
    {"name": "x"}, {"name": 5, "inputs": "x", "relu": None}, {"inputs": [1, None], "relu": None}, DEEP, "long " * 1000,
]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
UNSENDABLE = [float("nan"), float("inf"), 10**400, "\ud800"]  # what a protobuf Struct cannot hold, or not give back as JSON


def places(value, place=()):
    """The path of every value in nested plain data."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def with_garbage(plain, place, garbage):
    if not place:
        return garbage
    changed = copy.deepcopy(plain)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = garbage
    return changed


@pytest.fixture
def every_field(tiny):
    return tiny(threads_per_rank=1, checkpoint={"every_steps": 1, "every_s": 2.5, "keep": 1})


ATTRIBUTES = [("optimizer", "adam", "learning_rate"), ("data", "train", "npz", "path"), ("model", "layers", 0, "linear", "units")]


def test_no_garbage_in_any_field_makes_parse_raise(every_field):
    tried = 0
    for place in places(every_field):
        for garbage in GARBAGE + NOT_FINITE:
            jobfile.parse(with_garbage(every_field, place, garbage))
            tried += 1
    assert tried > 1000


def test_what_was_parsed_without_a_problem_is_plain_and_back(every_field):
    for place in places(every_field):
        for garbage in GARBAGE:
            spec, problems = jobfile.parse(with_garbage(every_field, place, garbage))
            if not problems and garbage != "":  # an empty name: see below
                assert jobfile.parse(jobfile.plain(spec)) == (spec, [])


def test_no_garbage_in_any_field_makes_the_checks_raise_anything_but_problems(every_field, tmp_path):
    """Few values in all places: a check opens the data."""
    for place in places(every_field):
        for garbage in (None, [], {}, "", -1, 1.5, True, "x", {"relu": 5}, [1, "x", None], DEEP):
            spec, problems = jobfile.parse(with_garbage(every_field, place, garbage))
            try:
                assert checks.check(spec, tmp_path, problems).spec == specs.with_defaults(spec)
            except InvalidInput as error:
                assert all(problem.field and problem.message for problem in error.problems)


@pytest.mark.parametrize("key", [None, 1, True, (1, 2), "", b"x", datetime.date(2024, 1, 1)], ids=repr)
def test_any_key_that_is_none_is_unknown(every_field, key):
    for place in places(every_field):
        inner = changed = copy.deepcopy(every_field)
        for step in place:
            inner = inner[step]
        if isinstance(inner, dict):
            inner[key] = 1
            _, problems = jobfile.parse(changed)
            assert problems or place[-1:] in (("npz",), ("adam",), ("linear",), ("dropout",))  # attributes are checked later


@pytest.mark.parametrize("value", UNSENDABLE, ids=["nan", "inf", "400 digits", "surrogate"])
def test_a_value_that_no_message_can_hold_is_a_problem(every_field, value):
    for place in ATTRIBUTES:
        _, problems = jobfile.parse(with_garbage(every_field, place, value))
        assert [problem.field for problem in problems] != []


def test_seconds_beyond_any_double_are_a_problem(every_field):
    _, problems = jobfile.parse(with_garbage(every_field, ("checkpoint", "every_s"), 10**400))
    assert [problem.field for problem in problems] == ["checkpoint.every_s"]


@pytest.mark.parametrize("place", [("loss",), ("optimizer",), ("data", "train"), ("metrics", 0)], ids=str)
def test_an_empty_name_is_a_problem(every_field, tmp_path, refused, place):
    spec, problems = jobfile.parse(with_garbage(every_field, place, ""))
    found = refused(lambda: checks.check(spec, tmp_path, problems))
    assert "attributes" not in "".join(found)
