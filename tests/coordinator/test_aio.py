"""AsyncClient: the whole surface of Client, awaited."""

import asyncio
import inspect
import socket

import pytest

from bpcore.errors import InvalidInput
from coordinator import AsyncClient, Client
from coordinator.answers import Point
from coordinator.errors import Refusal
from coordinator.jobs import states
from worker.errors import Unavailable


def awaited(shared, work):
    """What `work(client)` returns, with a client of its own loop."""
    server, _, _ = shared

    async def run():
        async with AsyncClient(server.address) as client:
            return await work(client)

    return asyncio.run(run())


def test_both_clients_offer_the_same():
    public = [{name: inspect.signature(member) for name, member in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
              for kind in (Client, AsyncClient)]
    assert public[0] == public[1] and len(public[0]) >= 25


def test_a_job_is_handed_in_watched_and_looked_at(shared, small):
    _, plain, _ = shared

    async def story(client):
        job = await client.submit(small(epochs=1, ranks=1))
        steps = [event.step async for event in client.watch(job.id) if isinstance(event, Point) and "loss" in event.values]
        return await client.get(job.id), steps, await client.curve(job.id), [each.id async for each in client.list()]

    job, steps, curves, listed = awaited(shared, story)
    assert states.label(job.state) == "SUCCEEDED" and steps == list(range(8)) == list(curves["loss"].steps)
    assert job == plain.get(job.id) and listed[0] == job.id == next(plain.list()).id


def test_refusals_are_raised_as_by_the_other_client(shared, small):
    async def get(client):
        await client.get("nope")

    with pytest.raises(Refusal, match='^there is no job "nope"; bptrain list shows all$'):
        awaited(shared, get)

    async def submit(client):
        await client.submit(small(seed="x", batch_size=0))

    with pytest.raises(InvalidInput) as refused:
        awaited(shared, submit)
    assert len(refused.value.problems) == 2


def test_logs_are_read_to_their_end(shared):
    _, plain, job_id = shared

    async def read(client):
        return [line async for line in client.logs(job_id)]

    assert awaited(shared, read) == list(plain.logs(job_id))


def test_a_coordinator_that_is_not_there_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"

    async def ask():
        async with AsyncClient(address) as client:
            await client.get("x")

    with pytest.raises(Unavailable, match=f"^no coordinator answers at {address}; start one with: bptrain serve$"):
        asyncio.run(ask())
