"""Evaluation over shards is evaluation of the whole set at once: nothing padded, nothing left out."""

import numpy as np
import pytest

from bpcore.model import Model
from worker.comm.alone import Alone
from worker.evaluate import evaluate
from worker.step import Voter

# Held-out samples, batch size, shards: whole batches, a rest, a rest below the shards, fewer samples than shards, one of all.
CUTS = [(20, 10, 4), (20, 12, 4), (50, 12, 4), (50, 12, 6), (3, 12, 6), (1, 5, 5), (20, 64, 1), (20, 1, 1)]


@pytest.fixture
def job(checked, npz):
    def make(samples):
        return checked(data={"train": {"npz": {"path": npz()}}, "eval": {"npz": {"path": npz("held.npz", samples)}}})

    return make


def over_shards(job, model, parameters, batch_size, shards):
    voter = Voter(Alone(), shards, model.row_width)
    return evaluate(model, parameters, job.eval, batch_size, shards, range(shards), voter)


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
        def vote(self, rows, stop=False, checkpoint=False):
            told.update(rows)
            return super().vote(rows)

    for mine in ([0, 3], [1, 2]):
        evaluate(model, parameters, checked.eval, 12, 4, mine, Noted(Alone(), 4, model.row_width))
    whole = model.summary(Voter(Alone(), 4, model.row_width).vote(told).row)
    assert whole == over_shards(checked, model, parameters, 12, 4)


def test_evaluation_draws_no_dropout_and_changes_no_parameter(job):
    checked = job(20)
    model = Model(checked.maths)
    parameters = model.initialize(5)
    before = parameters.digest()
    once, again = (over_shards(checked, model, parameters, 12, 4) for _ in range(2))
    assert once == again and parameters.digest() == before
