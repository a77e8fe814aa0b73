"""The crew: who shares memory with whom."""

import dataclasses
import json
import os

import pytest

from worker import crew
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.node import memory

SCRIPT = """
import json
from worker import crew
from worker.comm import connect
from worker.crew import Crew

world = connect()
apart = Crew.meet(world, shared_memory=False)
together = Crew.meet(world)
here = crew._machine
crew._machine = lambda: f"{here()} {world.rank % 2}"  # as on two machines whose ranks take turns
two = Crew.meet(world)
told = [[met.nodes, met.mates, met.place, met.leads, met.pids, met.hosts] for met in (apart, together, two)]
everyone = [json.loads(data) for data in world.gather_all(json.dumps(told).encode())]
if world.rank == 0:
    print(json.dumps(everyone))
world.close(0)
"""


@pytest.fixture
def told(mpirun, script):
    """Each of three ranks' view of three crews: without shared memory, on one machine, as on two."""
    done = mpirun(3, script(SCRIPT))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ranks_of_a_machine_share_memory_unless_they_are_not_to(told):
    apart, together, two = zip(*told)
    assert [nodes for nodes, *_ in apart] == [[[0], [1], [2]]] * 3
    assert [nodes for nodes, *_ in together] == [[[0, 1, 2]]] * 3
    assert [nodes for nodes, *_ in two] == [[[0, 2], [1]]] * 3
    assert [mates for _, mates, *_ in two] == [[0, 2], [1], [0, 2]]
    assert [place for _, _, place, *_ in two] == [0, 0, 1]
    assert [leads for *_, leads, _, _ in two] == [True, True, False]
    assert all(hosts == [os.uname().nodename] * 3 and len(set(pids)) == 3 for views in told for *_, pids, hosts in views)


def test_a_world_of_one_leads_itself():
    met = Crew.meet(Alone())
    assert (met.nodes, met.mates, met.place, met.leads) == ([[0]], [0], 0, True)
    assert (met.pids, met.hosts) == ([os.getpid()], [os.uname().nodename])


def test_where_the_system_has_no_such_memory_every_rank_is_a_node(monkeypatch):
    monkeypatch.setattr(memory, "is_supported", lambda: False)
    monkeypatch.setattr(crew, "_machine", lambda: pytest.fail("not asked for"))
    assert Crew.meet(Alone()).nodes == [[0]]


def test_a_crew_is_replaced_never_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Crew.meet(Alone()).nodes = []
