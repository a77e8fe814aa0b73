"""Whoever clears the event before reading the store misses nothing."""

import asyncio

import pytest

from coordinator.runs.hub import Hub


def test_news_wake_whoever_waits():
    async def scenario():
        hub = Hub()
        with hub.subscribe("a") as news:
            waiting = asyncio.create_task(news.wait())
            await asyncio.sleep(0)
            hub.notify("a")
            return await asyncio.wait_for(waiting, 30)

    assert asyncio.run(scenario())


def test_news_between_clearing_and_waiting_are_not_missed():
    hub = Hub()
    with hub.subscribe("a") as news:
        news.clear()
        hub.notify("a")  # the store is being read just now
        assert news.is_set()


def test_news_reach_everybody_who_waits_for_that_job_and_nobody_else():
    hub = Hub()
    with hub.subscribe("a") as first, hub.subscribe("a") as second, hub.subscribe("b") as other:
        hub.notify("a")
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)


def test_news_of_a_job_that_nobody_waits_for_are_nothing():
    Hub().notify("a")


def test_who_leaves_takes_nobody_along():
    hub = Hub()
    with hub.subscribe("a") as stays:
        with hub.subscribe("a"):
            pass
        hub.notify("a")
        assert stays.is_set()


def test_nothing_is_kept_of_those_who_have_left():
    hub = Hub()
    with pytest.raises(LookupError), hub.subscribe("a"):
        raise LookupError
    with hub.subscribe("a"):
        pass
    assert not hub._waiting


@pytest.mark.parametrize("readers", [1, 3])
def test_every_reader_sees_everything_however_fast_it_comes(readers):
    async def read(hub, store, count):
        seen = []
        with hub.subscribe("a") as news:
            while len(seen) < count:
                news.clear()
                found = store[len(seen):]
                await asyncio.sleep(0)  # a reader's thread is at work
                seen += found
                if not found:
                    await asyncio.wait_for(news.wait(), 30)
        return seen

    async def scenario():
        hub, store = Hub(), []
        reading = [asyncio.create_task(read(hub, store, 200)) for _ in range(readers)]
        for number in range(200):
            store.append(number)
            hub.notify("a")
            if number % 3 == 0:
                await asyncio.sleep(0)
        return await asyncio.gather(*reading)

    assert asyncio.run(scenario()) == [list(range(200))] * readers
