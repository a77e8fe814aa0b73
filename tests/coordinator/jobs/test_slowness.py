"""What a step's time goes into: the sentence for each cause."""

import pytest

from bptrain.v1.report_pb2 import Pace
from coordinator.jobs.slowness import reason

HOSTS = ["a", "b", "c"]


@pytest.mark.parametrize(("step_s", "rank_s", "read_s", "sentence"), [
    (0.02, [0.01, 0.018, 0.01], 0.001, "imbalance: rank 1 on b takes 1.8 times what ranks do in the middle, 18 of a step's 20 ms"),
    (0.02, [0.012, 0.012, 0.012], 0.008, "input: rank 0 on a waits for its samples, 8 of a step's 20 ms"),
    (0.02, [0.005, 0.005, 0.005], 0.001, "wire: exchange, update and waiting for each other take 15 of a step's 20 ms"),
    (0.02, [0.018, 0.019, 0.018], 0.001, "compute: the slowest rank, 1 on b, takes 19 of a step's 20 ms"),
    (0.02, [0.001, 0.0015, 0.001], 0.0, "wire: exchange, update and waiting for each other take 18.5 of a step's 20 ms")])
def test_each_cause_has_its_sentence_and_names_the_rank(step_s, rank_s, read_s, sentence):
    assert reason(Pace(steps=10, step_s=step_s, rank_s=rank_s, read_s=read_s, hosts=HOSTS)) == sentence


def test_without_measurements_nothing_is_said():
    assert reason(Pace()) == "" == reason(Pace(rank_s=[1.0]))
