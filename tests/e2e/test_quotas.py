"""What one holder of a token may have, from the submit to the ranks: the others get the rest."""

import sqlite3
from contextlib import ExitStack, closing

import pytest

from coordinator.access import issue
from coordinator.access.rules import ADMIN, SUBMIT
from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.endpoint import Endpoint
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.limits import Limits

JOB = {"name": "small", "data": {"train": {"synthetic": {"task": "yes_no", "samples": 100}}}, "model": {"input": [8], "layers": [{"linear": {"units": 1}}]},
       "loss": "sigmoid_cross_entropy", "optimizer": "sgd", "batch_size": 10, "epochs": 10**7, "seed": 1, "recovery": {"keep_s": 1}}


@pytest.fixture
def callers(tmp_path):
    """Clients of alice and bob, each of whom may have one slot of two, and one job that waits."""
    state = tmp_path / "state"
    with ExitStack() as stack:
        server = stack.enter_context(embedded(Settings(state, tmp_path, slots=2, limits=Limits(token_queued=1, token_slots=1))))
        with closing(sqlite3.connect(state / "store.db", isolation_level=None, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            secrets = [issue.create_at_console(connection, name, scope, 3600) for name, scope in (("chief", ADMIN), ("alice", SUBMIT), ("bob", SUBMIT))]
        chief, *others = (stack.enter_context(Client(Endpoint(server.address, secret))) for secret in secrets)
        yield others
        for job in chief.list():
            if job.state not in states.FINAL:
                chief.cancel(job.id, "now")
        for job in chief.list():
            chief.wait(job.id)


@pytest.mark.slow
def test_one_holder_of_a_token_does_not_take_everything(callers):
    alice, bob = callers
    first = alice.wait(alice.submit(JOB).id, ["running"]).id
    second = alice.submit(JOB).id
    with pytest.raises(Refusal, match=r"^token alice may have 1 job\(s\) waiting, and has them; try again when one has started$"):
        alice.submit(JOB)
    assert alice.get(second).waiting_reason == "token alice has 1 of the 1 slots that it may have, and this needs 1"
    assert states.label(bob.wait(bob.submit(JOB).id, ["running"]).state) == "RUNNING"  # behind alice's, and held back by nobody
    assert states.label(alice.get(second).state) == "QUEUED" and {entry.owner for entry in bob.queue().running} == {"alice", "bob"}
    alice.cancel(first, "now")
    assert states.label(alice.wait(second, ["running"]).state) == "RUNNING"
