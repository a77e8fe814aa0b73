"""Who watches is told that the line to the coordinator is down, since when, and that it is back; nothing else changes."""

import asyncio
import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from coordinator.aio import AsyncClient
from coordinator.client import Client

DOWN, BACK = r"^the line to the coordinator is down since \d\d:\d\d:\d\d; it is tried again$", r"^the line to the coordinator is back after \d+ s$"


def said(path, pattern):
    return len(re.findall(pattern, path.read_text(), re.MULTILINE))


def watching(coordinator, words, file):
    """A program with its output in a file, its errors in another."""
    with open(file, "w") as output, open(f"{file}.err", "w") as errors:
        return coordinator.popen(coordinator.program, *words, stdout=output, stderr=errors)


async def followed(address, job, lines):
    async with AsyncClient(address) as client:
        return [event async for event in client.watch(job.id, told=lines.append)][-1].kind


@pytest.mark.slow
def test_who_watches_is_told_when_the_line_is_down_and_when_it_is_back(coordinator, wait_until):
    one, other = (coordinator.running(ranks=1, name=name) for name in ("one", "other"))
    blocking, awaited, files = [], [], [coordinator.folder / name for name in ("alone", "both", "json")]
    words = [["watch", one.id], ["watch", one.id, other.id], ["watch", one.id, "--format", "json"]]
    with ThreadPoolExecutor(2) as pool, Client(coordinator.address) as client:
        first = pool.submit(lambda: [*client.watch(one.id, told=blocking.append)][-1].kind)
        second = pool.submit(lambda: asyncio.run(followed(coordinator.address, one, awaited)))
        watchers = [watching(coordinator, command, file) for command, file in zip(words, files)]
        for file in files:
            wait_until(file.read_text)
        coordinator.end(signal.SIGKILL)
        files[2] = coordinator.folder / "json.err"
        for file in files:
            wait_until(lambda: said(file, DOWN))
        wait_until(lambda: blocking and awaited)
        coordinator.start()
        for file in files:
            wait_until(lambda: said(file, BACK))
        for job in (one, other):
            coordinator.client.cancel(job.id)
        assert [watcher.wait(60) for watcher in watchers] == [1, 1, 1]  # none of the jobs has succeeded
        assert (first.result(60), second.result(60)) == ("ended", "ended")
    assert [(said(file, DOWN), said(file, BACK)) for file in files] == [(1, 1)] * 3
    assert all(json.loads(line) for line in (coordinator.folder / "json").read_text().splitlines())
    for lines in (blocking, awaited):
        down, back = lines
        assert down.back == 0 and down.since == back.since < back.back
