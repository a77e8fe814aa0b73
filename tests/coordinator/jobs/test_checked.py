"""Checks of equal specs are made once, for a while; each who asks gets the answer."""

import asyncio

import pytest

from bpcore.errors import InvalidInput, Problem
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import checked
from coordinator.jobs.checked import Checked


@pytest.fixture
def asked():
    return []


@pytest.fixture
def checks(asked):
    def check(spec):
        asked.append(spec.name)
        if spec.name == "bad":
            raise InvalidInput([Problem("name", "bad")])
        return JobSpec(name=spec.name, ranks=1)

    return Checked(check)


def answers(checks, *names):
    async def all_at_once():
        return await asyncio.gather(*(checks.spec(JobSpec(name=name)) for name in names), return_exceptions=True)

    return asyncio.run(all_at_once())


def test_equal_specs_are_checked_once_and_others_for_themselves(checks, asked):
    assert [spec.name for spec in answers(checks, "a", "b", "a", "a")] == ["a", "b", "a", "a"]
    assert sorted(asked) == ["a", "b"]


def test_a_refusal_is_everybodys(checks, asked):
    assert [str(error) for error in answers(checks, "bad", "bad")] == ["name: bad"] * 2
    assert asked == ["bad"]


def test_an_answer_grows_old(checks, asked, monkeypatch):
    monkeypatch.setattr(checked, "KEPT_S", -1.0)
    answers(checks, "a", "a")
    assert asked == ["a", "a"]


def test_only_so_many_answers_are_kept(checks, asked):
    answers(checks, *map(str, range(2 * checked.MOST)))
    assert len(checks._answers) == checked.MOST


def test_who_leaves_takes_no_answer_from_the_others(checks):
    async def scenario():
        leaving, staying = (asyncio.create_task(checks.spec(JobSpec(name="a"))) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(scenario()).ranks == 1
