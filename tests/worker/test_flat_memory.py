"""A step takes no memory that stays: after 10,000 small steps a rank holds what it held after 2,000."""

import json

import pytest

SCRIPT = """
import json, sys, tempfile
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from bptrain.v1.report_pb2 import AttemptEnded
from worker import rank
from worker.options import Options
from worker.throughput import Throughput


def private_bytes():
    # What nobody shares: the ledger, which is shared, takes its pages as its rows come around.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0]) * 1024


class Steps(Throughput):
    def _train(self):
        found = []
        for steps in (2000, 8000):
            self._timed(steps)
            found.append(private_bytes())
        told = [json.loads(data) for data in self.comm.gather_all(json.dumps(found).encode())]
        if self.comm.rank == 0:
            print(json.dumps(told), file=sys.__stdout__, flush=True)
        return self._end(AttemptEnded.OUTCOME_COMPLETED, "measured")


with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
    options = Options(Path("tiny.yaml"), Path(folder), resume=False, coordinator="", data_root=Path(), world=0)
    sys.exit(rank.main(options, partial(Steps, 1.0)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
def test_memory_is_flat_over_ten_thousand_steps(mpirun, script, tiny_file, ranks):
    tiny_file()
    done = mpirun(ranks, script(SCRIPT), timeout_s=300)
    assert done.returncode == 0, done.stderr
    for early, late in json.loads(done.stdout):
        assert late - early < 512 * 1024, f"{early:,} bytes after 2,000 steps, {late:,} after 10,000"
