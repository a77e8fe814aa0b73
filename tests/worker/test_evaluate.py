"""Evaluation over shards is evaluation of the whole set at once: nothing padded, nothing left out."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpcore.model import Model
from worker.comm.alone import Alone
from worker.evaluate import evaluate
from worker.vote import Voter

# Held-out samples, batch size, shards: whole batches, a rest, a rest below the shards, fewer samples than shards, one of all.
CUTS = [(20, 10, 4), (20, 12, 4), (50, 12, 4), (50, 12, 6), (3, 12, 6), (1, 5, 5), (20, 64, 1), (20, 1, 1)]


@pytest.fixture
def job(checked, npz):
    def make(samples):
        return checked(data={"train": {"npz": {"path": npz()}}, "eval": {"npz": {"path": npz("held.npz", samples)}}})

    return make


def over_shards(job, model, parameters, batch_size, shards):
    stepper = SimpleNamespace(mine=range(shards), shards=shards, voter=Voter(Alone(), shards, model.row_width))
    return model.summary(evaluate(model, parameters, job.eval, batch_size, stepper, Watch()))


class Watch:
    """Counts how often it is told that this rank goes on."""

    batches = 0

    def goes_on(self):
        self.batches += 1


@pytest.mark.parametrize(("samples", "batch_size", "shards"), CUTS)
def test_accuracy_over_shards_is_that_of_the_whole_set(job, samples, batch_size, shards):
    checked = job(samples)
    model = Model(checked.maths)
    parameters = model.initialize(5)
    batch = checked.eval.read(np.arange(samples))
    right = np.count_nonzero(model.predict(parameters, batch).argmax(axis=1) == batch["y"])
    assert over_shards(checked, model, parameters, batch_size, shards)["accuracy"] == right / samples


@pytest.mark.parametrize(("samples", "batch_size", "shards"), CUTS)
def test_the_loss_over_shards_is_that_of_the_whole_set(job, samples, batch_size, shards):
    """Up to rounding: a matrix product of another size may round otherwise."""
    checked = job(samples)
    model = Model(checked.maths)
    parameters = model.initialize(5)
    total, count, *_ = model.evaluate(parameters, checked.eval.read(np.arange(samples)))
    assert over_shards(checked, model, parameters, batch_size, shards)["loss"] == pytest.approx(total / count, rel=1e-6)


def test_ranks_that_share_the_shards_add_up_to_all_of_them(job):
    """A shard's row depends on the shard alone: what two ranks vote is what one would."""
    checked = job(50)
    model = Model(checked.maths)
    parameters = model.initialize(5)
    told = {}

    class Noted(Voter):
        def vote(self, rows):
            told.update(rows)
            return super().vote(rows)

    for mine in ([0, 3], [1, 2]):
        evaluate(model, parameters, checked.eval, 12, SimpleNamespace(mine=mine, shards=4, voter=Noted(Alone(), 4, model.row_width)), Watch())
    whole = model.summary(Voter(Alone(), 4, model.row_width).vote(told).row)
    assert whole == over_shards(checked, model, parameters, 12, 4)


def test_evaluation_draws_no_dropout_and_changes_no_parameter(job):
    checked = job(20)
    model = Model(checked.maths)
    parameters = model.initialize(5)
    before = parameters.digest()
    once, again = (over_shards(checked, model, parameters, 12, 4) for _ in range(2))
    assert once == again and parameters.digest() == before


def test_a_long_evaluation_is_not_a_late_rank(job):
    """The watch is told of every batch, also by a rank that has nothing of it."""
    checked, watch = job(50), Watch()
    model = Model(checked.maths)
    evaluate(model, model.initialize(5), checked.eval, 12, SimpleNamespace(mine=[], shards=4, voter=Voter(Alone(), 4, model.row_width)), watch)
    assert watch.batches == 5
