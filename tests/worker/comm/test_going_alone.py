"""A world of one that trains for long: the keeper ends who stands still, and knows by the votes who does not."""

import numpy as np

from worker.comm.alone import Alone


class Heard:
    goes = 0

    def waits(self):
        raise AssertionError("nobody is there to wait for")

    def goes_on(self):
        self.goes += 1


def test_a_vote_of_one_says_that_it_goes_on():
    comm = Alone()
    comm.watch = Heard()
    for _ in range(3):
        comm.sum(np.zeros(1))
    assert comm.watch.goes == 3
