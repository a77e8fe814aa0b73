"""What a step's time goes into: the sentence for each cause."""

import pytest

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.report_pb2 import Compiling, Pace
from coordinator.jobs.slowness import of_step, reason

HOSTS = ["a", "b", "c"]


@pytest.mark.parametrize(("step_s", "rank_s", "read_s", "sentence"), [
    (0.02, [0.01, 0.018, 0.01], 0.001, "imbalance: rank 1 on b takes 1.8 times what ranks do in the middle, 18 of a step's 20 ms"),
    (0.02, [0.012, 0.012, 0.012], 0.008, "input: rank 0 on a waits for its samples, 8 of a step's 20 ms"),
    (0.02, [0.005, 0.005, 0.005], 0.001, "wire: exchange, update and waiting for each other take 15 of a step's 20 ms"),
    (0.02, [0.018, 0.019, 0.018], 0.001, "compute: the slowest rank, 1 on b, takes 19 of a step's 20 ms"),
    (7.92, [3.73, 3.68, 3.7], 0.001, "wire: exchange, update and waiting for each other take 4.19 of a step's 7.92 s"),
    (0.9999, [0.98, 0.981, 0.98], 0.001, "compute: the slowest rank, 1 on b, takes 0.981 of a step's 1 s"),
    (0.02, [0.001, 0.0015, 0.001], 0.0, "wire: exchange, update and waiting for each other take 18.5 of a step's 20 ms")])
def test_each_cause_has_its_sentence_and_names_the_rank(step_s, rank_s, read_s, sentence):
    assert reason(Progress(pace=Pace(steps=10, step_s=step_s, rank_s=rank_s, read_s=read_s, hosts=HOSTS))) == sentence


def test_what_all_wait_for_goes_before():
    pace = Pace(steps=10, step_s=0.02, rank_s=[0.018, 0.019], hosts=HOSTS)
    assert reason(Progress(pace=pace, compiling=Compiling(kernel="sums.columns", done=2))) == \
        "compiling kernel 3, sums.columns: once, this machine does not have it yet"


def test_without_measurements_nothing_is_said():
    assert of_step(Pace()) == "" == of_step(Pace(rank_s=[1.0])) == reason(Progress())
