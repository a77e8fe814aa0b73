"""hosts: mpirun over several hosts, reached through a launch agent such as ssh.

1. Only hosts that answer are used: each is asked before a start, with a short limit. The file that mpirun gets
   stands in the run's folder, which all hosts must see.
2. Ranks elsewhere cannot be seen from here: what is asked of them goes through mpirun, which hands signals on.
"""

import asyncio
import shlex
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from coordinator.launchers import Launch, Order, Room, hostfile, mpirun, scratch
from coordinator.launchers.hostfile import Host
from coordinator.launchers.local import Local, LocalLaunch
from worker.errors import Unavailable
from worker.record.rundir import RunDir, write_whole

ANSWER_S = 3.0


class Hosts(Local):
    """`hosts`: all that may be used; `agent`: starts a command elsewhere, as `AGENT HOST COMMAND`; `more`: options for
    mpirun. Raises Unavailable where there is no such agent."""

    def __init__(self, hosts: Sequence[Host], agent: str = "ssh", more: Sequence[str] = ()):
        super().__init__(more)
        program, *rest = shlex.split(agent)
        found = shutil.which(program)
        if found is None:
            raise Unavailable(f"the launch agent {program} was not found")
        self._hosts, self._agent = hosts, [found, *rest]

    async def start(self, order: Order) -> Launch:
        left = await self._answering()
        if not left:
            raise Unavailable(f"none of the {len(self._hosts)} host(s) answers")
        is_open = mpirun.is_open(mpirun.version(mpirun.program()))
        write_whole(RunDir(order.run_dir).hostfile, hostfile.text(left, is_open).encode())
        return await super().start(replace(order, ranks=hostfile.fitting(order.ranks, self._hosts, left)))

    async def room(self, ranks: int) -> Room:
        left = await self._answering()
        return Room(hostfile.fitting(ranks, self._hosts, left), len(left))

    def _options(self, said: str, order: Order) -> list[str]:
        return mpirun.across(said, str(RunDir(order.run_dir).hostfile.resolve()), shlex.join(self._agent))

    def _scratch(self, order: Order) -> dict[str, str]:
        return scratch.environment(order.run_dir, shared=False)

    def _launch(self, *process) -> Launch:
        return HostsLaunch(*process)

    async def _answering(self) -> list[Host]:
        """The hosts that run a command within the limit."""
        answers = await asyncio.gather(*map(self._answers, self._hosts))
        return [host for host, answer in zip(self._hosts, answers) if answer]

    async def _answers(self, host: Host) -> bool:
        asked = await asyncio.create_subprocess_exec(*self._agent, host.name, "true", stdin=asyncio.subprocess.DEVNULL,
                                                     stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        try:
            return await asyncio.wait_for(asked.wait(), ANSWER_S) == 0
        except TimeoutError:
            return False
        finally:
            if asked.returncode is None:
                with suppress(ProcessLookupError):
                    asked.kill()
                await asked.wait()


class HostsLaunch(LocalLaunch):
    def ask_to_stop(self) -> None:
        self._signal(signal.SIGUSR1, [self._process])

    def ask_to_leave(self) -> None:
        self._signal(signal.SIGUSR2, [self._process])

    def lost_ranks(self) -> bool:
        return False
