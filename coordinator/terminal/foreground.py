"""A run in the foreground: its ranks are started, followed in the journal, and started again where that is due.

1. What is due is decided by runs/restarts.py and runs/looks.py.
2. What does not end when it should is ended, and ended once more: an mpirun whose host, or one of whose hosts,
   is cut off does not end by itself.
"""

import asyncio
import math
import time
from dataclasses import replace

from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.launchers import Launch, Launcher, Order
from coordinator.runs.looks import LOOK_S, Looks, Step
from coordinator.runs.restarts import Restarts
from coordinator.terminal.display import Display
from worker.record.journal import Tail
from worker.record.rundir import RunDir

POLL_S = 0.1
LEAVE_S = 3.0  # for mpirun to end behind its ranks
GRACE_S = 10.0  # for ranks to leave that were asked to


class Foreground:
    def __init__(self, launcher: Launcher, order: Order, restarts: int, screen: Display):
        self._launcher, self._order, self._screen = launcher, order, screen
        self._tail = Tail(RunDir(order.run_dir).journal)
        list(self._tail.read())  # earlier attempts
        self._restarts = Restarts(restarts)
        self._launch: Launch | None = None
        self.interrupted = self._moves = False
        self._patience = math.inf  # until when the ranks may be there

    def interrupt(self) -> None:
        """Ctrl-C: the first asks the ranks to stop, the second ends them."""
        if self.interrupted:
            self._end_after(0)
        elif self._launch:
            self._launch.ask_to_stop()
        self.interrupted = True

    async def until_the_end(self) -> int | None:
        """The exit status of the last start."""
        order, status = self._order, await self._follow(self._order)
        while self._goes_on(status):
            order = replace(order, resume=True)
            status = await self._follow(order)
        return status

    def _goes_on(self, status: int | None) -> bool:
        """Whether the ranks are to be started again."""
        view, moves, self._moves = self._screen.view, self._moves, False
        # An mpirun that goes down asks its ranks to stop: that is not the user's wish.
        is_over = view.ended is not None and not (view.ended.outcome == AttemptEnded.OUTCOME_STOPPED and status)
        if self.interrupted or is_over:
            return False
        if not moves and not self._restarts.again(view.progress.step):
            return False
        self._screen.note(f"more hosts answer: going on with them at step {view.progress.step}" if moves else
                          f"the ranks ended with exit status {status} at step {view.progress.step}: starting them again")
        return True

    async def _follow(self, order: Order) -> int | None:
        """Starts the ranks and shows the journal until they are gone; their exit status."""
        view, begun, self._patience = self._screen.view, self._screen.view.started, math.inf
        launch = self._launch = await self._launcher.start(order)
        gone, looking = asyncio.ensure_future(launch.wait()), asyncio.create_task(self._look(launch))
        looks = 0
        while True:
            looks += 1
            if view.started is begun and looks % 5 == 0 and launch.lost_ranks():
                self._end_after(0)  # a rank died before all had met: the others would wait for it in MPI
            if self.interrupted and view.started is begun:
                launch.ask_to_stop()  # also those who were not there yet
            last_look = gone.done()
            self._show()
            if last_look:
                looking.cancel()
                return gone.result()
            if time.monotonic() > self._patience:
                launch.kill()
                self._patience = time.monotonic() + LEAVE_S
            await asyncio.wait([gone], timeout=POLL_S)

    def _show(self) -> None:
        for report in self._tail.read():
            kind = report.WhichOneof("event")
            self._screen.apply(kind, getattr(report, kind))
            if kind == "ended":
                self._end_after(LEAVE_S)

    async def _look(self, launch: Launch) -> None:
        """Every few seconds, whether hosts have come or gone."""
        view, begun, looks = self._screen.view, self._screen.view.started, Looks(launch.ranks)
        while True:
            await asyncio.sleep(LOOK_S)
            if view.started is not begun and len(view.crew) >= self._order.ranks:
                continue
            room = await self._launcher.room(self._order.ranks)
            step = looks.look(view.crew if view.started is not begun else (), room)
            if step is Step.KILL:
                self._end_after(0)
            elif step is Step.LEAVE and not self.interrupted:
                self._moves = True
                launch.ask_to_leave()
                self._end_after(GRACE_S)

    def _end_after(self, seconds: float) -> None:
        self._patience = min(self._patience, time.monotonic() + seconds)
