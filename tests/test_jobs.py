"""Every job of deploy/jobs, smaller: it learns, and gives the same bits on one rank and on two."""

import re
from pathlib import Path

import pytest
import yaml

from worker import journal

JOBS = sorted((Path(__file__).parent.parent / "deploy" / "jobs").glob("*.yaml"))


@pytest.fixture
def small(tmp_path):
    """The job as a file with one epoch, and few samples where they are made up."""

    def write(path):
        job = yaml.safe_load(path.read_text()) | {"epochs": 1}
        for part in job["data"].values():
            if "synthetic" in part:
                part["synthetic"]["samples"], job["batch_size"] = 600, 32
        file = tmp_path / path.name
        file.write_text(yaml.safe_dump(job))
        return file

    return write


def losses(folder):
    return [value for report in journal.read(folder / "journal") for column in report.points.columns
            if column.series == "loss" for value in column.values]


@pytest.mark.parametrize("path", JOBS, ids=[path.stem for path in JOBS])
def test_a_job_learns_and_gives_the_same_bits_on_one_rank_and_two(small, mpirun, tmp_path, path):
    done = [mpirun(ranks, "-m", "worker", small(path), "--run-dir", tmp_path / str(ranks)) for ranks in (1, 2)]
    assert [run.returncode for run in done] == [0, 0], done[0].stderr + done[1].stderr
    digests = [re.search("sha256:[0-9a-f]{64}", run.stdout)[0] for run in done]
    assert digests[0] == digests[1]
    one, two = losses(tmp_path / "1"), losses(tmp_path / "2")
    assert one == two and min(one[1:]) < one[0]
