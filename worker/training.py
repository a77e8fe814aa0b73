"""One attempt at a job, from the first step to the end record, through the deaths of ranks.

1. What is to be done next follows from what is done: the steps in the replica, and the held-out losses so
   far. So every rank, also one that has just come, knows it.
2. Wherever a rank dies, the others come together again (meeting.py), and the step that was cut short is
   computed again. Starting, resuming and taking in newcomers is the same path.
3. The curve goes to every node's ledger before the commit, and to rank 0's record after it.
"""

import json
import sys
import time

from bpcore.schedules import Clock, evaluations_without_progress
from bptrain.v1.report_pb2 import AttemptEnded, EpochEnded, LostRank
from worker import tally
from worker.agree import require_same
from worker.errors import TrainingFailed
from worker.healing import Healing, missing
from worker.meeting import Meeting
from worker.node.ledger import EPOCH, EVAL
from worker.node.status import Late
from worker.vote import NO_FLAGS, Flags, Vote


class Training(Meeting):
    """The ranks that have met, and what they do. `joins`: this rank comes to a training that goes on."""

    def run(self, joins: bool = False) -> int:
        """The exit status."""
        self._healing = Healing()
        self._checked = -1  # the last step of the last epoch that was found to have used every sample once
        work = self.meet if joins else self.begin
        while True:
            try:
                work()
                return self._train()
            except Exception as error:
                if not self.comm.is_death(error):
                    raise
                self.stalled_since = self.stalled_since or time.monotonic()
                work = self._recover

    def _train(self) -> int:
        try:
            asked = self._all_steps()
        except TrainingFailed as error:
            return self._end(AttemptEnded.OUTCOME_FAILED, str(error))
        if asked.leave and not asked.stop and not asked.checkpoint and self.job.spec.shared_memory:
            return self._leave()
        failure = self._save_last(asked.stop and asked.discard)
        if failure:
            return self._end(AttemptEnded.OUTCOME_FAILED, f"the last checkpoint could not be written: {failure}")
        if asked.leave and not asked.stop:
            return self._leave()
        if self._is_early():
            return self._end(AttemptEnded.OUTCOME_COMPLETED, "completed early: no better held-out loss in "
                             f"{self.job.spec.early_stopping.patience} evaluations")
        if asked.stop:
            return self._end(AttemptEnded.OUTCOME_STOPPED, self.control.cause)
        return self._end(AttemptEnded.OUTCOME_COMPLETED, "completed")

    def _all_steps(self) -> Flags:
        """Up to the last one, or until all agree to stop or leave: what they agreed on. Raises TrainingFailed."""
        asked = Flags()
        while not asked.ends and not self._is_early():
            self._check_epoch()
            if self._evaluation_is_due():
                self._evaluate()
            elif self.replica.steps == self.job.schedule.total_steps:
                break
            else:
                asked = self._one_step()
        return asked

    def _one_step(self) -> Flags:
        """Trains one step and what is due behind it; what all ask for."""
        step, schedule = self.replica.steps, self.job.schedule
        clock = Clock(step, schedule.total_steps, schedule.steps_per_epoch, self.evaluations)
        self.input.expect(step, self.stepper.mine)
        looks = self.beat.looks_behind(step)
        vote = self.stepper.run(step, self.job.maths.schedule.factor(clock), self._wishes if looks else _none)
        if not vote.committed:
            raise TrainingFailed(self.stepper.why_not(step, self.model.summary(vote.row)["loss"]))
        self.record.trained(step, vote.row)
        if self.stepper.diagnosis:
            self.record.diagnosed(step, self.stepper.diagnosis)
            self.stepper.diagnosis = {}
        return self._look(step, vote) if looks else vote.flags

    def _look(self, step: int, vote: Vote) -> Flags:
        """Does what is due behind a step; what all ask for."""
        self.beat.note(step, vote.seconds)
        self.status.measured(max(vote.seconds))
        self.record.look(step, vote.row)
        if self.gauge and (pace := self.gauge.note(step, vote.seconds, self.stepper.read_s)):
            self.record.paced(pace)
        if vote.flags.ends:
            return vote.flags
        if vote.flags.checkpoint:
            self._save()
        if vote.flags.join:
            self._take_in()
        elif vote.flags.heal:
            self._heal()
        elif self.balance.note(vote.seconds):
            self.stepper.assign(self.balance.assignments)
        return vote.flags

    def _wishes(self) -> Flags:
        """What this rank asks of all. The daemons of a launcher whose host is gone end the ranks, which is nobody's wish to
        stop: they leave, and should nobody come for what the nodes keep, there is a checkpoint."""
        checkpoint, join = self.record.checkpoint_due(self.replica.steps), self.comm.are_newcomers_ready()
        heal = self.comm.rank == 0 and self._healing.is_due() and bool(missing(self.full, self.crew))
        if not (checkpoint or join or heal or self.control.asks):
            return NO_FLAGS
        is_ended = self.control.stop and self.has_lost_launcher
        return Flags(stop=self.control.stop and not is_ended, checkpoint=checkpoint or is_ended, join=join, heal=heal,
                     leave=self.control.leave or is_ended, discard=self.control.discard)

    def _evaluation_is_due(self) -> bool:
        return self.evaluation is not None and len(self.evaluations) < self.replica.steps // self.job.schedule.steps_per_epoch

    def _evaluate(self) -> None:
        row = self.evaluation.run(self.replica.evaluated, self.stepper, self.status)
        step, values = self.replica.steps - 1, self.evaluation.summary(row)
        if self.crew.leads:
            self.replica.ledger.write(EVAL, step, time.time(), row)
        self.comm.barrier()  # whoever goes on from here knows that no death can lose the row
        self.evaluations.append(values["loss"])
        self.record.evaluated(step, values)
        if self.record.is_best(self.evaluations):
            self._save()

    def _save(self) -> None:
        self.record.checkpoint(self.replica, self.evaluations, self.status)

    def _save_last(self, discard: bool) -> str:
        """Why the last checkpoint is not on disk; empty where it is, or is not wanted. Collective."""
        if not discard:
            self._save()
        return self.comm.gather_all(self.record.finish(self.status).encode())[0].decode()

    def _check_epoch(self) -> None:
        """At its end, whether it has used every sample once."""
        schedule, step = self.job.schedule, self.replica.steps - 1
        if step <= self._checked or not schedule.ends_epoch(step):
            return
        self._checked = step
        if self.sampler and self.record.is_news(EPOCH, step):
            self.record.sampled(self.sampler.written(self.replica.steps, self.replica.evaluated, self.status))
        used, expected = self.replica.used, tally.expected(schedule, schedule.epoch(step))
        self.record.epoch_ended(EpochEnded(epoch=schedule.epoch(step), step=step, samples=used[0], checksum=used[1],
                                           expected_samples=expected[0], expected_checksum=expected[1]))
        if used != expected:
            raise TrainingFailed(tally.sentence(schedule.epoch(step), used, expected))

    def _is_early(self) -> bool:
        """Whether the held-out loss has stopped improving."""
        rule = self.job.spec.early_stopping
        return bool(rule.patience) and evaluations_without_progress(self.evaluations, rule.min_delta) >= rule.patience

    def _leave(self) -> int:
        """Without an end record: the nodes keep what has been done for those that come next."""
        self.comm.abandon_newcomers()
        self.record.close()
        self.holding.leave()
        self.comm.close(0)
        return 0

    def _end(self, outcome: AttemptEnded.Outcome, cause: str) -> int:
        self.comm.abandon_newcomers()
        digest = self.replica.current.parameters.digest() if self.crew.leads else ""
        require_same(self.comm, "the parameters' digest", digest)
        self.record.ended(AttemptEnded(outcome=outcome, cause=cause, step=self.replica.steps, digest=digest, skipped=self._skipped()))
        self.forget()
        self.record.close()
        failed = outcome == AttemptEnded.OUTCOME_FAILED
        self.comm.close(1 if failed else 0)
        return 1 if failed else 0

    def _skipped(self) -> int:
        """Of all ranks that are left. Collective."""
        mine = self.skipped + self.stepper.skipped
        return self.job.left_out + sum(int(told) for told in self.comm.gather_all(str(mine).encode()))

    # Deaths and newcomers.

    def _recover(self) -> None:
        """A rank has died: whoever is left goes on."""
        before = self.crew
        if len(before.nodes) > 1:
            self.record.let_go()
        self.comm, dead = self.comm.survivors()
        told = [json.loads(data) for data in self.comm.gather_all(json.dumps([vars(each) for each in self.status.late(self.replica.steps)]).encode())]
        # By process, too: what was noted of an earlier rank of that number may still stand in a row.
        late = {(each["rank"], each["pid"]): Late(**each).sentence for some in told for each in some}
        self.lost += [LostRank(rank=rank, host=before.hosts[rank], cause=late.get((rank, before.pids[rank]), "died")) for rank in dead]
        self.require_right_to_go_on(before, dead)
        self._healing.lost()
        self.meet()

    def _heal(self) -> None:
        """Replacements for the dead are started; they get ready while the others go on."""
        self.comm.abandon_newcomers()
        command = ["-m", "worker", *sys.argv[1:], "--run-dir", self.plan.folder, "--world", str(self.job.spec.ranks)]
        if self.comm.spawn(command, missing(self.full, self.crew)):
            self._healing.started()
        else:
            self._healing.failed()

    def _take_in(self) -> None:
        self.stalled_since = time.monotonic()
        larger = self.comm.take_in()
        if larger is None:
            self._healing.failed()
            return
        self._healing.done()
        self.joined, self.comm = larger.size - self.comm.size, larger
        self.meet()


def _none() -> Flags:
    """What a rank asks for where nobody looks."""
    return NO_FLAGS
