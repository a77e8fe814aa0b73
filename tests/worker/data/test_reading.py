"""Reading ahead: the same samples, no more of them in memory than agreed, and errors where they belong."""

import threading
import time

import numpy as np
import pytest

from worker.data import reading
from worker.data.reading import AHEAD, Ahead, Input, Laid, in_turn
from worker.datasets import Arrays
from worker.errors import BadSample
from worker.shards import Schedule, cut

SHARDS, SCHEDULE = 4, Schedule(samples=50, batch_size=12, epochs=3, seed=5)


class Slow(Arrays):
    """Notes who reads what; `wait_s`: how long it takes."""

    def __init__(self, wait_s=0.0):
        super().__init__({"x": np.arange(50.0), "y": np.arange(50)}, is_on_disk=True)
        self.wait_s, self.reads, self.error = wait_s, [], None

    def read(self, indices):
        self.reads.append((threading.current_thread().name, indices.tolist()))
        time.sleep(self.wait_s)
        if self.error:
            raise self.error
        return super().read(indices)


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def always(monkeypatch):
    """Whatever reading costs."""
    monkeypatch.setattr(reading, "LEAST_S", 0)


@pytest.fixture
def ahead(slow, always):
    return Ahead(slow, SCHEDULE, SHARDS)


def parts(step, mine):
    order = SCHEDULE.order(SCHEDULE.epoch(step))
    return [order[cut(SCHEDULE.batch(step), SHARDS)[shard]] for shard in mine]


def values(data, step, mine):
    return [data.read(part)["x"].tolist() for part in parts(step, mine)]


def by_us(slow):
    return [indices for name, indices in slow.reads if not name.startswith("reading")]


@pytest.mark.parametrize("mine", [[0, 1], [2]])
def test_every_step_of_all_epochs_gets_its_samples_from_the_thread(ahead, slow, mine):
    for step in range(SCHEDULE.total_steps):
        ahead.expect(step, mine)
        assert values(ahead, step, mine) == [part.tolist() for part in parts(step, mine)]
    assert not by_us(slow) and len(slow.reads) == SCHEDULE.total_steps * len(mine)


def test_other_shards_and_a_step_once_more_are_read_afresh(ahead):
    for step, mine in [(0, [0, 1]), (1, [0, 1]), (1, [0, 1]), (2, [0, 1, 2]), (3, [3]), (9, [3]), (10, [])]:
        ahead.expect(step, mine)
        assert values(ahead, step, mine) == [part.tolist() for part in parts(step, mine)]


def test_what_was_not_foreseen_is_read_at_once(ahead, slow):
    ahead.expect(0, [0])
    assert values(ahead, 7, [3]) == [part.tolist() for part in parts(7, [3])]
    assert by_us(slow) == [part.tolist() for part in parts(7, [3])]


def test_no_more_than_agreed_is_held(ahead, slow):
    ahead.expect(0, [0, 1])
    time.sleep(0.2)
    assert len(slow.reads) == 2 * (1 + AHEAD)


def test_a_step_does_not_wait_for_what_was_read_meanwhile(always):
    ahead = Ahead(Slow(0.05), SCHEDULE, SHARDS)
    ahead.expect(0, [0, 1])
    time.sleep(0.5)  # as long as computing the step
    began = time.monotonic()
    ahead.expect(1, [0, 1])
    values(ahead, 1, [0, 1])
    assert time.monotonic() - began < 0.05


def test_an_error_is_raised_in_the_step_that_needs_the_samples(ahead, slow):
    ahead.expect(0, [0])
    time.sleep(0.1)
    slow.error = OSError("the disk is gone")
    for step in range(1, 1 + AHEAD):
        ahead.expect(step, [0])
        values(ahead, step, [0])
    ahead.expect(1 + AHEAD, [0])
    with pytest.raises(OSError, match="the disk is gone"):
        values(ahead, 1 + AHEAD, [0])


def test_a_sample_that_cannot_be_had_is_an_error_for_its_shard_alone(ahead, slow):
    order, read = SCHEDULE.order(0), Arrays.read
    bad = order[cut(SCHEDULE.batch(0), SHARDS)[1]][0]
    slow.read = lambda indices: _raise(BadSample("gone")) if bad in indices else read(slow, indices)
    ahead.expect(0, [0, 1])
    first, second = parts(0, [0, 1])
    with pytest.raises(BadSample, match="gone"):
        ahead.read(second)
    assert ahead.read(first)["x"].tolist() == first.tolist() and len(ahead.read(order[:0])["x"]) == 0


def _raise(error):
    raise error


def test_the_thread_ends_with_the_data(slow, always):
    before = set(threading.enumerate())
    ahead = Ahead(slow, SCHEDULE, SHARDS)
    ahead.expect(0, [0])
    thread, = set(threading.enumerate()) - before
    del ahead
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize(("laid_bytes", "kind"), [(200, Laid), (199, Input)])
def test_data_in_memory_is_never_read_ahead_and_little_of_it_is_laid_out_once_an_epoch(always, monkeypatch, laid_bytes, kind):
    monkeypatch.setattr(reading, "LAID_BYTES", laid_bytes)
    direct = reading.opened(Arrays({"x": np.arange(50.0)}), SCHEDULE, SHARDS)
    direct.expect(0, [0])
    assert type(direct) is kind and len(direct) == 50
    for step in (3, 4, 7, 2):  # of two epochs
        order, place = SCHEDULE.order(SCHEDULE.epoch(step)), cut(SCHEDULE.batch(step), SHARDS)[1]
        assert direct.of_epoch(SCHEDULE.epoch(step)).part(order, place)["x"].tolist() == order[place].tolist()


def test_files_are_read_ahead_while_that_takes_long_and_with_the_same_samples(slow, monkeypatch):
    monkeypatch.setattr(reading, "LEAST_S", 0.01)
    ahead, ours = reading.opened(slow, SCHEDULE, SHARDS), []
    for step in range(SCHEDULE.total_steps):
        slow.wait_s = 0.05 if 3 <= step < 6 else 0  # as where the system does not hold a file
        before = len(by_us(slow))
        ahead.expect(step, [0, 1])
        assert values(ahead, step, [0, 1]) == [part.tolist() for part in parts(step, [0, 1])]
        ours.append(len(by_us(slow)) > before)
    assert ours[:4] == [True] * 4 and ours[4:7] == [False] * 3 and ours[-1]


PIECES = [[slice(start, start + 3), slice(start + 3, start + 5)] for start in range(0, 50, 5)]


@pytest.mark.parametrize("least_s", [0, 1e9])
def test_what_is_read_in_turn_is_the_same_ahead_or_not(slow, monkeypatch, least_s):
    monkeypatch.setattr(reading, "LEAST_S", least_s)
    found = [[batch["y"].tolist() for batch in step] for step in in_turn(slow, PIECES)]
    assert found == [[list(range(50)[piece]) for piece in step] for step in PIECES]
    assert len(by_us(slow)) == (20 if least_s else 0)


def test_no_more_than_agreed_is_held_in_turn_and_the_thread_ends_with_who_asks(slow, always):
    before = set(threading.enumerate())
    found = in_turn(slow, PIECES)
    next(found)
    time.sleep(0.2)
    assert len(slow.reads) == 2 * (1 + AHEAD)
    thread, = set(threading.enumerate()) - before
    found.close()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("least_s", [0, 1e9])
def test_a_sample_that_cannot_be_had_is_an_error_in_its_place(slow, monkeypatch, least_s):
    monkeypatch.setattr(reading, "LEAST_S", least_s)
    slow.error = BadSample("some file: expected more")
    assert [[str(each) for each in step] for step in in_turn(slow, PIECES[:4])] == [["some file: expected more"] * 2] * 4
