"""What the coordinator can do, without a wire: the services decode, call this, and encode.

Changes to jobs are in changes.py, making.py and removing.py, looks at them in looking.py.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from coordinator.changes import Changes
from coordinator.launchers import Launcher
from coordinator.limits import Limits
from coordinator.looking import Looking
from coordinator.making import Making
from coordinator.removing import Removing
from coordinator.runs.housekeeping import Housekeeping
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.runs.oracles import Oracles
from coordinator.runs.orphans import Orphans
from coordinator.runs.sessions import Sessions
from coordinator.runs.standby import MOST_RANKS, Standby
from coordinator.runs.supervisor import Supervisor
from coordinator.store.database import Database
from coordinator.traces import Traces
from coordinator.views.artifacts import Artifacts
from coordinator.views.cluster import Cluster
from coordinator.views.logs import Logs
from coordinator.views.metrics import Metrics
from worker.errors import Unavailable


@dataclass(frozen=True)
class Settings:
    """`state`: the folder of the store and the runs. `slots`: ranks that may run at once. `standby`: whether ranks wait
    for the next job. `require_token`: also before the first token was made. `otlp`: where traces are sent, empty for
    nowhere."""

    state: Path
    data_root: Path
    slots: int
    standby: bool = False
    require_token: bool = False
    limits: Limits = Limits()
    otlp: str = ""

    @property
    def runs(self) -> Path:
        return self.state / "runs"


class App:
    def __init__(self, settings: Settings, launcher: Launcher):
        self.settings, self.traces = settings, traces_to(settings.otlp)
        self.database = Database(settings.state / "store.db")
        self.hub = Hub()
        self.metrics, self.logs, self.artifacts = Metrics(self.database, self.hub), Logs(self.database), Artifacts(self.database)
        self.intake = Intake(self.database, self.hub)
        self.sessions = Sessions(self.database)
        standby = Standby(launcher, settings.runs, settings.data_root, MOST_RANKS if settings.standby else 0)
        self.supervisor = Supervisor(self.database, self.hub, self.intake, self.sessions, launcher, standby,
                                     settings.slots, settings.data_root, settings.limits.token_slots, self.traces)
        self.orphans = Orphans(self.database, launcher, settings.runs)
        self.changes = Changes(self.database, self.supervisor, settings.limits)
        self.making = Making(self.database, self.changes, settings.runs, settings.data_root, settings.slots)
        self.removing = Removing(self.database, self.hub)
        self.housekeeping = Housekeeping(self.database, self.supervisor, settings.runs, settings.limits)
        self.cluster = Cluster(self.database, self.supervisor, launcher, settings.limits, settings.standby)
        self.oracles = Oracles(settings.data_root)
        self.looking = Looking(self.database, self.hub, self.supervisor)

    async def close(self) -> None:
        await self.housekeeping.close()
        await self.oracles.close()
        await self.supervisor.close()
        await asyncio.to_thread(self.database.close)
        await asyncio.to_thread(self.traces.close)


def traces_to(endpoint: str) -> Traces:
    """`endpoint`: of a collector, such as http://127.0.0.1:4317; empty for none. Raises Unavailable."""
    if not endpoint:
        return Traces()
    try:
        from coordinator.otlp import Otlp
    except ImportError:
        raise Unavailable("traces need more than is installed: pip install 'bptrain[otel]'") from None
    return Otlp(endpoint)
