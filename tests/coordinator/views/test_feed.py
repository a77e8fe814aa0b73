"""Watchers of one job share their reads and miss nothing."""

import asyncio

import pytest

from coordinator.runs.hub import Hub
from coordinator.views import stream
from coordinator.views.feed import Feeds


class Store:
    """Counts how often it is asked; answers what it holds."""

    def __init__(self):
        self.content, self.asked = 0, 0

    async def ask(self):
        self.asked += 1
        found = self.content
        await asyncio.sleep(0.01)
        return found


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def feeds(hub):
    return Feeds(hub)


def test_what_many_ask_at_the_same_place_is_asked_once(feeds):
    async def scenario():
        store = Store()
        with feeds.of("a") as shared:
            answers = await asyncio.gather(*(shared.answer(-1, "here", store.ask) for _ in range(50)), shared.answer(-1, "there", store.ask))
            return answers, await shared.answer(-1, "here", store.ask), store.asked

    assert asyncio.run(scenario()) == ([(0, 0)] * 51, (0, 0), 2)


def test_news_wake_all_and_make_old_answers_void(hub, feeds):
    """Also an answer that is on its way when the news come: whoever asks behind them gets a new one."""

    async def watcher(store, seen):
        with feeds.of("a") as shared:
            count = -1
            while not seen or seen[-1] < 5:
                count, found = await shared.answer(count, "here", store.ask)
                seen.append(found)

    async def scenario():
        store, seen = Store(), [[] for _ in range(20)]
        tasks = [asyncio.create_task(watcher(store, each)) for each in seen]
        for store.content in range(1, 6):
            await asyncio.sleep(0.007)  # some of them come while the store is being asked
            hub.notify("a")
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
        return seen, store.asked

    seen, asked = asyncio.run(scenario())
    assert {each[-1] for each in seen} == {5} and all(each == sorted(each) for each in seen)
    assert asked <= 12


def test_where_nothing_comes_watchers_are_told_so(feeds, monkeypatch):
    monkeypatch.setattr(stream, "BOOKMARK_S", 0.01)

    async def scenario():
        with feeds.of("a") as shared:
            store = Store()
            count, _ = await shared.answer(-1, "here", store.ask)
            return await asyncio.wait_for(shared.answer(count, "here", store.ask), 30), store.asked

    assert asyncio.run(scenario()) == ((-1, None), 1)


def test_who_leaves_takes_no_answer_from_the_others_and_the_last_takes_the_feed_along(hub, feeds):
    async def scenario():
        store = Store()
        with feeds.of("a") as shared:
            leaving, staying = (asyncio.create_task(shared.answer(-1, "here", store.ask)) for _ in range(2))
            await asyncio.sleep(0)
            leaving.cancel()
            with feeds.of("a") as same:
                assert same is shared
            assert await staying == (0, 0)
        return feeds._feeds, dict(hub._waiting)

    assert asyncio.run(scenario()) == ({}, {})


def test_a_refusal_is_everybodys(feeds):
    async def refuse():
        raise LookupError("none")

    async def scenario():
        with feeds.of("a") as shared:
            return await asyncio.gather(*(shared.answer(-1, "here", refuse) for _ in range(3)), return_exceptions=True)

    assert [str(error) for error in asyncio.run(scenario())] == ["none"] * 3
