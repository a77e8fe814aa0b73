"""Predictions over a real socket: the same numbers as with the run's folder at hand, for samples of the coordinator or sent along."""

import asyncio
import csv
import io
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from click.testing import CliRunner

from bpcore.errors import InvalidInput
from bptrain.v1.predict_service_pb2 import PredictRequest
from coordinator.aio import AsyncClient
from coordinator.cli import bptrain
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.runs import oracles
from coordinator.store import jobs
from worker.inference.predict import Oracle
from worker.inference.predicting import Predictor
from worker.record.rundir import RunDir


@pytest.fixture(scope="module")
def trained(shared, data_root):
    """(client, id of a job that has succeeded, its outputs for the held-out samples)."""
    _, client, job_id = shared
    predictor = Predictor.of(RunDir(client.get(job_id).run_dir))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracles, "IDLE_S", 0.5)  # others wait until no process is left
        yield client, job_id, np.concatenate([outputs for _, outputs in predictor.outputs(predictor.open("eval", data_root), 1000)])


def outputs(found):
    return np.concatenate([each.outputs for each in found])


def test_held_out_samples_are_predicted_as_the_folder_does(trained):
    client, job_id, wanted = trained
    found = list(client.predict(job_id, "eval", batch_size=50))
    assert [len(each.samples) for each in found] == [50, 50, 28] and found[1].samples[0] == 50
    assert np.array_equal(outputs(found), wanted) and found[0].step == client.get(job_id).progress.step
    assert found[0].columns == ["class", "probability"]
    assert [int(row[0]) for each in found for row in each.answers] == wanted.argmax(axis=1).tolist()


@pytest.mark.parametrize("data", ["test.npz", "{npz: {path: test.npz}}"])
def test_a_file_below_the_data_root_may_be_named(trained, data):
    client, job_id, wanted = trained
    assert np.array_equal(outputs(client.predict(job_id, data)), wanted)


def test_samples_may_be_sent_along_as_a_file_or_as_arrays(trained, data_root, tmp_path):
    client, job_id, wanted = trained
    with np.load(data_root / "test.npz") as archive:
        x = archive["x"]
    np.savez(tmp_path / "new.npz", x=x[:7])
    assert np.array_equal(outputs(client.predict(job_id, tmp_path / "new.npz")), wanted[:7])
    assert np.array_equal(outputs(client.predict(job_id, {"x": x[7:9]})), wanted[7:9])


def test_the_async_client_and_the_command_line_say_the_same(trained, shared, data_root):
    client, job_id, wanted = trained

    async def ask():
        async with AsyncClient(shared[0].address) as there:
            return [each async for each in there.predict(job_id)]

    assert np.array_equal(outputs(asyncio.run(ask())), wanted)
    for words in (["eval"], [str(data_root / "test.npz"), "--send"]):
        done = CliRunner().invoke(bptrain, ["predict", job_id, *words, "--coordinator", shared[0].address], catch_exceptions=False)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [int(row["class"]) for row in rows] == wanted.argmax(axis=1).tolist()


@pytest.mark.parametrize(("data", "field"), [("none.npz", "path"), ("../secret.npz", "path"), ("{npz", "data"), ({"z": np.zeros((2, 3))}, "data"), ("", "path")])
def test_what_cannot_be_read_is_refused_by_field(trained, data, field):
    client, job_id, _ = trained
    with pytest.raises(InvalidInput) as caught:
        list(client.predict(job_id, data))
    assert [problem.field for problem in caught.value.problems][0].startswith(field)


def test_as_many_of_the_likeliest_classes_as_asked_for_stand_beside_an_answer(trained):
    client, job_id, wanted = trained
    shares = np.exp(wanted - wanted.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    found = [each for some in client.predict(job_id, likeliest=3) for each in some.likeliest]
    assert [[int(name) for name, _ in each] for each in found] == np.argsort(-shares, axis=1, kind="stable")[:, :3].tolist()
    assert np.allclose([[share for _, share in each] for each in found], -np.sort(-shares, axis=1)[:, :3], atol=1e-6)
    assert [len(some.likeliest[0]) for some in client.predict(job_id, batch_size=128)] == [0]


@pytest.fixture(scope="module")
def writing(trained, letters):
    """The id of a job that has learned to write `abcabc…`."""
    job_id = trained[0].submit(letters).id
    list(trained[0].messages(job_id))
    return job_id


def test_text_comes_piece_by_piece_to_every_client(trained, shared, writing):
    client = trained[0]
    assert list(client.generate(writing, "a", length=5, temperature=0)) == [*"bcabc"]
    wild = "".join(client.generate(writing, "a", length=60, temperature=50, seed=1))
    assert wild == "".join(client.generate(writing, "a", length=60, temperature=50, seed=1)) != "".join(client.generate(writing, "a", length=60, temperature=50, seed=2))

    async def ask():
        async with AsyncClient(shared[0].address) as there:
            return [piece async for piece in there.generate(writing, "a", length=60, temperature=50, seed=1)]

    assert "".join(asyncio.run(ask())) == wild
    words = ["generate", writing, "--prompt", "a", "--length", "60", "--temperature", "50", "--seed", "1", "--coordinator", shared[0].address]
    assert CliRunner().invoke(bptrain, words, catch_exceptions=False).stdout == f"a{wild}\n"


@pytest.mark.parametrize(("given", "field"), [({"prompt": "z"}, "prompt"), ({"prompt": ""}, "prompt"), ({"prompt": "a", "temperature": -1}, "temperature"),
                                              ({"prompt": "a", "temperature": float("nan")}, "temperature"), ({"prompt": "a", "temperature": float("inf")}, "temperature")])
def test_what_cannot_be_gone_on_with_is_refused_by_field(trained, writing, given, field):
    with pytest.raises(InvalidInput) as caught:
        list(trained[0].generate(writing, **given))
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_model_that_writes_no_text_says_so(trained):
    with pytest.raises(InvalidInput, match="expected a job whose training data is text"):
        list(trained[0].generate(trained[1], "a"))


@pytest.mark.parametrize(("data", "file", "words"), [
    ("../train.npz", "samples", "expected a path inside the data root"), ("train.npz", "samples", "there is none of that name"),
    ("", "../samples", "expected the plain name of a file"), ("", "..", "expected the plain name of a file")])
def test_what_is_sent_along_is_in_a_folder_of_its_own(trained, data_root, data, file, words):
    client, job_id, _ = trained
    oracle = Oracle(RunDir(client.get(job_id).run_dir), data_root)
    with pytest.raises(InvalidInput, match=words):
        list(oracle.answers(PredictRequest(data=data, content=b"x", file=file)))


def test_a_job_without_a_checkpoint_says_so(shared, add_job):
    server, client, _ = shared
    with closing(sqlite3.connect(server._settings.state / "store.db", isolation_level=None, timeout=60)) as connection:
        connection.row_factory = sqlite3.Row
        job_id = add_job(connection, states.SUCCEEDED)
        with pytest.raises(Refusal, match="has no whole checkpoint of any step; kept: none$") as caught:
            list(client.predict(job_id))
        jobs.purge(connection, job_id)
    assert caught.value.reason == "CHECKPOINT_NOT_FOUND"


def test_who_is_on_the_way_out_is_not_asked():
    """Its input is closed some time before it has ended."""
    async def scenario():
        oracle = oracles.Oracle(await asyncio.create_subprocess_exec("sleep", "60", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE))
        listened = oracle.listens
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(oracles, "IDLE_S", 0)
            oracle.rest()
            await asyncio.sleep(0.05)
        found = listened, oracle.listens, oracle._process.returncode
        await oracle.kill()
        return found

    assert asyncio.run(scenario()) == (True, False, None)


def test_many_questions_at_once_are_all_answered(trained, shared):
    _, job_id, wanted = trained

    async def ask():
        async with AsyncClient(shared[0].address) as client:
            async def one(first):
                return [each async for each in client.predict(job_id, "eval", batch_size=first)]

            return await asyncio.gather(*map(one, range(8, 16)))

    assert all(np.array_equal(outputs(found), wanted) for found in asyncio.run(ask()))
    assert len(shared[0]._app.oracles._resting) <= oracles.MOST


def test_one_who_leaves_in_the_middle_ends_the_work_on_it(trained, shared):
    client, job_id, wanted = trained
    answers = client.predict(job_id, "eval", batch_size=1)
    next(answers)
    answers.close()
    assert np.array_equal(outputs(client.predict(job_id)), wanted)
