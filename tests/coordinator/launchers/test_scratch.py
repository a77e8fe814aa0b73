"""The folders that a launch has outside its run's."""

import os
import stat
import time
from pathlib import Path

import pytest

from coordinator.launchers import scratch
from worker.errors import Unavailable


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    for name in ("tmp", "shm"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv(scratch.BACKING, str(tmp_path / "shm"))


def left(tmp_path):
    return [path.name for place in ("tmp", "shm") for path in (tmp_path / place).iterdir()]


def test_a_launch_finds_nothing_of_an_earlier_one_in_its_folders(tmp_path):
    for folder in scratch.environment(tmp_path / "run").values():
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        Path(folder, "pmix.host.tool.7").touch()
    assert [os.listdir(folder) for folder in scratch.environment(tmp_path / "run").values()] == [[], []]
    scratch.remove(tmp_path / "run")
    assert left(tmp_path) == []


def test_runs_do_not_meet(tmp_path):
    one, other = (set(scratch.environment(tmp_path / name).values()) for name in ("run", "other"))
    assert len(one | other) == 4


def test_hosts_that_are_not_this_one_keep_their_own_shared_memory(tmp_path):
    assert list(scratch.environment(tmp_path / "run", shared=False)) == ["PRTE_MCA_prte_tmpdir_base"]


def test_what_nobody_was_there_to_remove_goes_with_a_later_launch_unless_it_may_be_in_use(tmp_path):
    kept, young, old = (scratch.environment(tmp_path / name) for name in ("kept", "young", "old"))
    for folder in kept.values():
        Path(folder, "segment").touch()
    for folder in (*kept.values(), *old.values()):
        os.utime(folder, (time.time() - 2 * scratch.EMPTY_S,) * 2)
    new = scratch.environment(tmp_path / "new")
    expected = sorted(Path(folder).name for each in (kept, young, new) for folder in each.values())
    assert sorted(left(tmp_path)) == expected


def test_what_somebody_else_has_put_there_is_not_used(tmp_path):
    session, _ = scratch.folders(tmp_path / "run")
    session.write_text("not ours")
    with pytest.raises(Unavailable, match="cannot be made: File exists"):
        scratch.environment(tmp_path / "run")
