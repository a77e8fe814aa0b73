"""Ranks that are asked to stop while they are being started."""

import asyncio
import sys

import psutil

from coordinator.launchers.local import LocalLaunch
from coordinator.runs import stopping
from coordinator.runs.sessions import Sessions
from coordinator.runs.stopping import Stopping

# In place of mpirun: starts its only rank when a file says so, and ends like it.
STARTER = """
import subprocess, sys, time, pathlib
while not pathlib.Path("go").exists():
    time.sleep(0.01)
sys.exit(-subprocess.call([sys.executable, "-m", "worker", "run"]))
"""


def test_a_rank_that_comes_after_the_question_is_asked_and_not_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "GRACE_S", 600.0)
    (tmp_path / "worker.py").write_text("import time; time.sleep(600)")  # called as a rank is

    async def story():
        command = [sys.executable, "-c", STARTER, "-m", "worker", "run"]
        process = psutil.Popen(command, cwd=tmp_path)
        launches = {"job": LocalLaunch(process, command, process)}
        asking = asyncio.create_task(Stopping(launches, Sessions(None)).stop("job", "cancelled"))
        await asyncio.sleep(0.5)
        (tmp_path / "go").touch()
        status = await asyncio.wait_for(launches["job"].wait(), 120)
        launches.clear()
        await asyncio.wait_for(asking, 120)
        return status

    assert asyncio.run(story()) == 15  # SIGTERM; a kill would be 9


def test_an_mpirun_that_outlives_its_job_is_ended(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(stopping, "GRACE_S", 0.1)

    async def story():
        command = [sys.executable, "-c", "import time; time.sleep(600)", "-m", "worker", "run"]
        process = psutil.Popen(command, cwd=tmp_path)
        launches = {"job": LocalLaunch(process, command, process)}

        async def watch():
            await launches["job"].wait()
            launches.clear()

        watching = asyncio.create_task(watch())
        await Stopping(launches, Sessions(None)).clear_up({"job", "another"})
        await asyncio.wait_for(watching, 120)
        return process.wait(120)

    assert asyncio.run(story()) < 0, "by a signal"
    assert "job job has ended, but not its mpirun" in caplog.text
