"""The filter of ListJobs: what it finds, and what it says of what it cannot read."""

import pytest

from bpcore.errors import InvalidInput
from coordinator.jobs import states
from coordinator.jobs.filter import parse
from coordinator.store import jobs


@pytest.fixture
def found(connection, add_job):
    """`found(filter)`: names of the jobs that it finds, of three."""
    add_job(connection, states.RUNNING, name="a", labels={"team": "vision", "stage": "x"})
    add_job(connection, states.QUEUED, name="b", labels={"team": "text"}, owner="alice")
    add_job(connection, states.FAILED, name="c")
    return lambda text: sorted(row["name"] for row in jobs.page(connection, 10, "", parse(text)))


@pytest.mark.parametrize(("text", "names"), [
    ("", "abc"), ("  ", "abc"), ("state = RUNNING", "a"), ("state=running", "a"), ("state != JOB_STATE_RUNNING", "bc"), ("name = b", "b"),
    ('name="b"', "b"), ("name != b AND state != FAILED", "a"), ("label.team = vision", "a"), ("label.team != vision", "bc"),
    ("label.team = vision AND label.stage = x", "a"), ("label.team = vision AND label.stage = y", ""), ("owner = alice", "b"),
    ('name = "a AND b"', ""), ("label.none = x", ""), ("""name = "' OR 1=1 --" """, "")])
def test_a_filter_finds_the_jobs_for_which_all_of_it_holds(found, text, names):
    assert found(text) == list(names)


@pytest.mark.parametrize(("text", "problem"), [
    ("nam = x", 'unknown field "nam"; did you mean name? known: fold_of, label.KEY, name, owner, state'),
    ("state = RUNING", 'unknown state "RUNING"; did you mean RUNNING? known: CANCELLED, '),
    ("name", 'expected FIELD = VALUE or FIELD != VALUE, with a field of state, name, owner, fold_of, label.KEY, got "name" at character 1'),
    ("name = a OR name = b", 'expected AND, got "OR name = b" at character 10'),
    ("name = a AND", "expected FIELD = VALUE"), ("name = a ANDname = b", 'expected AND, got "ANDname = b"'), ("name > a", "expected FIELD = VALUE"),
    ('name = "a', "expected FIELD = VALUE"), ("name = a; DROP TABLE jobs", 'expected AND, got "DROP TABLE jobs"'),
    ("x" * 1001, "expected at most 1000 characters, got 1001")])
def test_what_cannot_be_read_is_named(text, problem):
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert str(refused.value).startswith(f"filter: {problem}")
