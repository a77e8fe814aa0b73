"""Reports on their way in: stored once, folded into the job's view and its curves, turned into changes of state.

1. Reports may come twice (a broken link, the journal read after the ranks have gone): what is stored
   already is ignored.
2. Report, points, progress and change of state are one transaction.
"""

import sqlite3
from collections.abc import Sequence

from bptrain.v1.report_pb2 import AttemptEnded, Report
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import states
from coordinator.jobs.failures import reported
from coordinator.jobs.states import Event
from coordinator.runs.hub import Hub
from coordinator.store import events, jobs, lifecycle, points
from coordinator.store.database import Database
from coordinator.views.run import RunState

OUTCOMES = {AttemptEnded.OUTCOME_COMPLETED: Event.COMPLETED, AttemptEnded.OUTCOME_STOPPED: Event.STOPPED,
            AttemptEnded.OUTCOME_FAILED: Event.TRAINING_FAILED}


class Intake:
    def __init__(self, database: Database, hub: Hub):
        self._database, self._hub = database, hub
        self._views: dict[str, RunState] = {}  # of running jobs

    async def take(self, job_id: str, reports: Sequence[Report]) -> int:
        """Stores them; the sequence number up to which everything is stored."""
        try:
            sequence = await self._database.write(lambda connection: self._store(connection, job_id, reports))
        except BaseException:
            self._views.pop(job_id, None)  # it may be ahead of the store: fold again
            raise
        self._hub.notify(job_id)
        return sequence

    async def last_sequence(self, job_id: str) -> int:
        return await self._database.read(lambda connection: events.last_sequence(connection, job_id))

    def _store(self, connection: sqlite3.Connection, job_id: str, reports: Sequence[Report]) -> int:
        new = []
        for report in reports:  # a change of state stands right behind what brings it about
            if events.add_reports(connection, job_id, [report]):
                new.append(report)
                self._move(connection, job_id, report)
        if new:
            view = self._view(connection, job_id, new)
            if view.ended and view.ended.outcome == AttemptEnded.OUTCOME_FAILED:
                jobs.set_failure(connection, job_id, reported(view.ended, view.progress.step, view.crew))
            points.take(connection, job_id, new)
            jobs.set_progress(connection, job_id, view.progress, points.latest(connection, job_id), view.ended.digest if view.ended else "")
            if view.ended:
                del self._views[job_id]
        return events.last_sequence(connection, job_id)

    def _view(self, connection: sqlite3.Connection, job_id: str, new: Sequence[Report]) -> RunState:
        """What is known of the run, `new` reports included, which are stored already."""
        if job_id in self._views:
            return self._views[job_id].apply_all(new)
        spec = JobSpec.FromString(jobs.get(connection, job_id)["spec"])
        self._views[job_id] = RunState(spec.epochs).apply_all(events.reports(connection, job_id))
        return self._views[job_id]

    def _move(self, connection: sqlite3.Connection, job_id: str, report: Report) -> None:
        if report.HasField("started"):
            hosts = sorted({rank.host for rank in report.started.ranks})
            cause = f"{len(report.started.ranks)} rank(s) met on {', '.join(hosts)}"
            lifecycle.move(connection, job_id, Event.RANKS_MET, cause)
        elif report.HasField("ended"):
            row = jobs.get(connection, job_id)
            # Ranks that were not on the line were asked by signal, and know no more than that.
            is_wish = row["state"] in (states.PAUSING, states.CANCELLING) and report.ended.outcome == AttemptEnded.OUTCOME_STOPPED
            lifecycle.move(connection, job_id, OUTCOMES[report.ended.outcome], row["cause"] if is_wish else report.ended.cause)
