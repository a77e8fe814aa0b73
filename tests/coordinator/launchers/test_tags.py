"""Whose line it is, as each kind of mpirun says it."""

import pytest

from coordinator.launchers.mpirun import tagging
from coordinator.launchers.tags import Said, split


@pytest.mark.parametrize(("line", "said"), [
    ("[1,0]<stdout>: step 8/16", Said("step 8/16", 0, False)),
    ("[1,13]<stderr>:   File \"x.py\"", Said("  File \"x.py\"", 13, True)),
    ("[1,0]<stdout>:", Said("", 0, False)),
    ("[2,0]<stdout>: of a replacement", Said("of a replacement", None, False)),
    ("[3] as MPICH says it", Said("as MPICH says it", 3, False)),
    ("prterun noticed that process rank 1 exited", Said("prterun noticed that process rank 1 exited", None, True)),
    ("[1,0] is a list", Said("is a list", 0, False)),
    ("", Said("", None, True))])
def test_a_line_is_divided_into_who_and_what(line, said):
    assert split(line) == said


@pytest.mark.parametrize(("version", "options"), [
    ("mpirun (Open MPI) 5.0.8", ["--output", "tag"]), ("mpirun (Open MPI) 4.1.2", ["--tag-output"]),
    ("HYDRA build details:\n    Version: 4.3.0", ["-prepend-rank"])])
def test_each_kind_of_mpirun_is_asked_in_its_own_words(version, options):
    assert tagging(version) == options
