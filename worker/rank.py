"""The life of a rank: agree on the job, train, leave.

1. Nothing that one rank does alone may raise between collectives: what can go wrong goes wrong in
   `together`, on all ranks at once.
2. Rank 0 alone touches the run's folder; the others learn from it by messages.
3. An unforeseen exception ends the whole world, naming the rank: nobody waits for the dead.
"""

import sys
import traceback
from collections.abc import Callable

import numpy as np

from bpcore import kernels
from bptrain.v1.report_pb2 import AttemptEnded
from worker import standby
from worker.agree import Agreed, together
from worker.comm import Comm, connect
from worker.control import Control
from worker.guard import Guard, vanish
from worker.jobs import checks, jobfile, specs
from worker.jobs.job import Job
from worker.meeting import CutOff
from worker.node.turns import taking_turns
from worker.options import Options
from worker.record.console import complain
from worker.training import Training


def main(options: Options, kind: Callable[[Options, Comm, Job, Control], Training] = Training) -> int:
    """Runs this process's rank; the exit status. `kind`: what makes the training, by custom the class."""
    kernels.taking_turns = taking_turns
    np.seterr(all="ignore")  # a loss that is not finite is found in the vote, and said once
    control = Control()
    if not options.standby:  # who waits does not stop at a boundary
        control.listen()
    comm = connect()
    training: Training | None = None
    kernels.announce = lambda name: training and training.record.compiling(name)
    try:
        if options.standby:
            if not standby.is_called(comm, options.job.parent):
                comm.close(0)
                return 0
            control.listen()
        job = together(comm, lambda: _job(options, options.world or comm.size))
        joins = comm.is_new
        comm = _join(comm, options) if joins else comm
        training = kind(options, comm, job, control)
        return training.run(joins)
    except Agreed as error:
        return _fail(training, comm, error)
    except BaseException as error:
        _die(training, comm, error)
        raise


def _job(options: Options, world: int) -> Job:
    spec, problems = jobfile.read(options.job)
    job = checks.check(specs.for_ranks(spec, world), options.data_root, problems)
    job.learned()  # before there is a deadline
    return job


def _join(comm: Comm, options: Options) -> Comm:
    """Waits to be taken in. Whoever is not needed any more leaves without a word."""
    guard = Guard(options.run_dir)
    try:
        return comm.join()
    except Exception:
        vanish()
    finally:
        guard.stop()


def _fail(training: Training | None, comm: Comm, error: Agreed) -> int:
    """All ranks know: they leave together."""
    comm = training.comm if training else comm
    if comm.rank == 0:
        complain(error)
    if isinstance(error, CutOff):
        comm.fall_silent()
    else:
        _record_failure(training, str(error))
    comm.close(error.code)
    return error.code


def _die(training: Training | None, comm: Comm, error: BaseException) -> None:
    comm = training.comm if training else comm
    if comm.is_death(error):
        comm, dead = comm.survivors()
        if comm.rank == 0:
            print(f"bptrain: rank {', '.join(map(str, dead))} died before all had met", file=sys.stderr, flush=True)
        comm.leave(1)
    print(f"rank {comm.rank} on {comm.host}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    try:
        _record_failure(training, f"rank {comm.rank} failed: {type(error).__name__}: {error}", rank=comm.rank, host=comm.host)
    finally:
        comm.abort(1)


def _record_failure(training: Training | None, cause: str, **where: object) -> None:
    """`where`: rank and host, of one that failed alone."""
    if training:
        training.record.ended(AttemptEnded(outcome=AttemptEnded.OUTCOME_FAILED, cause=cause, **where))
        training.forget()
        training.record.close()
