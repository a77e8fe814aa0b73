"""The mpirun there is, and the options that its kind takes."""

import os
import stat
import sys
from pathlib import Path

import pytest

from coordinator.launchers import mpirun
from worker.errors import Unavailable

# What `mpirun --version` prints.
OPEN_MPI_5 = "mpirun (Open MPI) 5.0.11\n\nReport bugs to https://www.open-mpi.org/community/help/\n"
OPEN_MPI_4 = "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n"
MPICH = """HYDRA build details:
    Version:                                 4.1.2
    Release Date:                            Wed Jun  7 15:22:45 CDT 2023
    CC:                              gcc
    Configure options:                       '--disable-option-checking' '--prefix=/usr' '--with-hwloc-prefix=/usr'
    Process Manager:                         pmi
    Launchers available:                     ssh rsh fork slurm ll lsf sge manual persist
    Topology libraries available:            hwloc
"""
INTEL = """Intel(R) MPI Library for Linux* OS, Version 2021.11 Build 20231005 (id: 74c4a23)
Copyright 2003-2023, Intel Corporation.
"""
RECOVERY = ["--with-ft", "ulfm", "--prtemca", "state_base_recoverable", "1"]
ALL_OPEN_MPI = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE", "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp"]


@pytest.mark.parametrize(("said", "options"), [
    (OPEN_MPI_5, [*RECOVERY, *ALL_OPEN_MPI]), (OPEN_MPI_5.replace("5.0.11", "10.0.0"), [*RECOVERY, *ALL_OPEN_MPI]),
    (OPEN_MPI_4, ALL_OPEN_MPI), (MPICH, []), (INTEL, []), ("", [])],
    ids=["Open MPI 5", "Open MPI 10", "Open MPI 4", "MPICH", "Intel MPI", "silent"])
def test_each_kind_of_mpirun_gets_its_options(said, options):
    assert mpirun.options(said) == options


def test_the_mpirun_of_this_environment_says_what_it_is():
    assert "MPI" in mpirun.version(mpirun.program()) or "HYDRA" in mpirun.version(mpirun.program())


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """`pretend(beside=…, on_path=…)`: an interpreter and a PATH whose folders hold an mpirun, or none."""

    def folder(name, has):
        (tmp_path / name).mkdir()
        if has:
            (tmp_path / name / "mpirun").write_text("#!/bin/sh\necho Open MPI\n")
            (tmp_path / name / "mpirun").chmod(stat.S_IRWXU)
        return tmp_path / name

    def set_up(beside, on_path):
        monkeypatch.setattr(sys, "executable", str(folder("beside", beside) / "python"))
        monkeypatch.setenv("PATH", str(folder("path", on_path)))

    return set_up


def test_the_mpirun_beside_the_interpreter_comes_first(pretend):
    pretend(beside=True, on_path=True)
    assert Path(mpirun.program()).parent.name == "beside"


def test_otherwise_the_first_on_the_path_is_taken(pretend):
    pretend(beside=False, on_path=True)
    assert Path(mpirun.program()).parent.name == "path"


def test_a_missing_mpirun_is_refused_with_what_to_do(pretend):
    pretend(beside=False, on_path=False)
    with pytest.raises(Unavailable, match=r"^mpirun was not found: pip install 'bptrain\[local\]', or load your cluster's MPI$"):
        mpirun.program()


def test_a_missing_mpirun_is_refused_without_a_path_at_all(pretend, monkeypatch):
    pretend(beside=False, on_path=False)
    monkeypatch.delenv("PATH")
    with pytest.raises(Unavailable, match="mpirun was not found"):
        mpirun.program()


@pytest.mark.parametrize(("user", "asked"), [(0, "1"), (1000, None)])
def test_only_root_asks_for_permission_to_be_root(monkeypatch, user, asked):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.delenv(name, raising=False)
    environment = mpirun.environment()
    assert environment.get("OMPI_ALLOW_RUN_AS_ROOT") == environment.get("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") == asked
    assert environment["PATH"] == os.environ["PATH"]
