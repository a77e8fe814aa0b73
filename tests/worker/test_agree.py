"""Failing together: an error on one rank becomes the same sentence and exit status on all."""

import json

import pytest

from bpcore.errors import InvalidInput, Problem
from worker.agree import Agreed, require_same, together
from worker.comm.alone import Alone
from worker.errors import TrainingFailed, Unavailable

SCRIPT = """
import json
from bpcore.errors import InvalidInput, Problem
from worker.agree import Agreed, require_same, together
from worker.comm import connect
from worker.errors import Unavailable

def outcome(call):
    try:
        return call()
    except Agreed as error:
        return [error.code, str(error)]

def fail(error):
    raise error

world = connect()
rank = world.rank
bad = InvalidInput([Problem("a", "wrong"), Problem("b", "too")])
told = {
    "fine": outcome(lambda: together(world, lambda: 10 * rank)),
    "one": outcome(lambda: together(world, lambda: fail(Unavailable("no disk")) if rank == 1 else rank)),
    "lines": outcome(lambda: together(world, lambda: fail(bad) if rank == 1 else rank)),
    "all": outcome(lambda: together(world, lambda: fail(bad))),
    "two": outcome(lambda: together(world, lambda: fail(bad if rank == 1 else Unavailable("no disk")) if rank else rank)),
    "same": outcome(lambda: require_same(world, "the job", "x")),
    "odd": outcome(lambda: require_same(world, "the job", "y" if rank == 2 else "x")),
}
everyone = [json.loads(data) for data in world.gather_all(json.dumps([world.host, told]).encode())]
if rank == 0:
    print(json.dumps(everyone))
world.close(0)
"""


@pytest.fixture
def told(mpirun, script):
    """Outcome by name for each of three ranks, with HOST for the host's name."""
    done = mpirun(3, script(SCRIPT))
    assert done.returncode == 0, done.stderr
    return [json.loads(json.dumps(outcomes).replace(f" on {host}", " on HOST")) for host, outcomes in json.loads(done.stdout)]


def test_three_ranks_fail_alike(told):
    first = told[0]
    assert [outcomes["fine"] for outcomes in told] == [0, 10, 20]
    assert all(outcomes | {"fine": 0} == first for outcomes in told)
    assert first["one"] == [3, "rank 1 on HOST: no disk"]
    assert first["lines"] == [2, "rank 1 on HOST: a: wrong\nrank 1 on HOST: b: too"]
    assert first["all"] == [2, "a: wrong\nb: too"]  # said once
    assert first["two"] == [3, "rank 1 on HOST: a: wrong\nrank 1 on HOST: b: too\nrank 2 on HOST: no disk"]
    assert first["same"] is None
    assert first["odd"] == [2, "the job differs between ranks: rank 2 has another than rank 0; every host must see the same files"]


@pytest.mark.parametrize(("error", "code"), [
    (InvalidInput([Problem("epochs", "wrong")]), 2), (Unavailable("busy"), 3), (TrainingFailed("diverged"), 1),
])
def test_alone_an_error_keeps_its_words_and_gets_its_code(error, code):
    def work():
        raise error

    with pytest.raises(Agreed) as agreed:
        together(Alone(), work)
    assert (agreed.value.code, str(agreed.value)) == (code, str(error))


def test_alone_everything_is_the_same():
    assert together(Alone(), lambda: "result") == "result"
    require_same(Alone(), "anything", "value")


def test_an_unforeseen_error_is_not_agreed_upon():
    with pytest.raises(ZeroDivisionError):
        together(Alone(), lambda: 1 / 0)
