"""Each rank's gradients, in memory that its mates can read and write."""

import json
import os
from dataclasses import replace

import pytest

from bpcore.arena import Layout, Owner
from worker.agree import Agreed
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.node import memory
from worker.node.regions import Regions

LAYOUT = Layout([Owner("a", {"weight": (3, 5), "bias": (5,)})])

# Two of three ranks share memory; they have 1, 2 and 0 vectors. Each writes its number, then 10 into its mates' vectors.
SCRIPT = """
import json
from dataclasses import replace
from bpcore.arena import Layout, Owner
from worker.comm import connect
from worker.crew import Crew
from worker.node.regions import Regions

world = connect()
crew = replace(Crew.meet(world), nodes=[[0, 2], [1]])
counts = [2, 2, 1]
regions = Regions(crew, Layout([Owner("a", {"weight": (3, 5), "bias": (5,)})]), counts)
for i, vector in enumerate(regions.own):
    vector.flat[...] = world.rank + i / 10
world.barrier()
seen = [[regions.flat(place, i).tolist()[0] for i in range(counts[rank])] for place, rank in enumerate(crew.mates)]
world.barrier()
if world.rank == 2:
    regions.flat(0, 1)[...] = 10
world.barrier()
told = [json.loads(data) for data in world.gather_all(json.dumps([seen, [vector.flat[-1].item() for vector in regions.own]]).encode())]
if world.rank == 0:
    print(json.dumps(told))
world.close(0)
"""


def test_mates_read_and_write_each_others_vectors(mpirun, script):
    done = mpirun(3, script(SCRIPT))
    assert done.returncode == 0, done.stderr
    seen, own = zip(*json.loads(done.stdout))
    assert [[[round(number, 1) for number in numbers] for numbers in each] for each in seen] == [[[0, 0.1], [2]], [[1, 1.1]], [[0, 0.1], [2]]]
    assert [[round(number, 1) for number in numbers] for numbers in own] == [[0, 10], [1, 1.1], [2]]


def test_vectors_do_not_touch():
    made = Regions(Crew.meet(Alone()), LAYOUT, [3])
    for i, vector in enumerate(made.own):
        vector.flat[...] = i
    assert [set(vector.flat) for vector in made.own] == [{0}, {1}, {2}]
    assert [made.flat(0, i).ctypes.data for i in range(3)] == [vector.flat.ctypes.data for vector in made.own]
    assert made.own[1].nodes[0]["bias"].shape == (5,)


def test_no_descriptor_stays_open():
    before = len(os.listdir("/proc/self/fd"))
    made = Regions(Crew.meet(Alone()), LAYOUT, [2])
    assert len(made.own) == 2
    del made
    assert len(os.listdir("/proc/self/fd")) == before


def test_memory_that_cannot_be_had_is_said_on_all_ranks(monkeypatch):
    def full(size_bytes):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(memory.Segment, "new", full)
    with pytest.raises(Agreed, match="^128 bytes of shared memory cannot be had: Cannot allocate memory$") as error:
        Regions(Crew.meet(Alone()), LAYOUT, [1])  # 32 numbers, gaps included
    assert error.value.code == 3


def test_memory_that_cannot_be_opened_is_said_with_the_way_out(monkeypatch):
    """As in containers that hide each other's processes."""
    class Two(Alone):
        def gather_all(self, data):
            return [data, data]

    crew = replace(Crew.meet(Alone()), comm=Two(), nodes=[[0, 1]], pids=[os.getpid(), 2**22 + 1])
    with pytest.raises(Agreed, match=r"the memory of rank 1 cannot be opened \(No such file or directory\); set shared_memory: false"):
        Regions(crew, LAYOUT, [1, 1])
