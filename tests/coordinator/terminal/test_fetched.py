"""Commands that work on a run's folder do the same with a job of a coordinator."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from coordinator.cli import bptrain


def said(*words):
    done = CliRunner().invoke(bptrain, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_jobs_checkpoint_is_exported_as_that_of_its_folder(shared, tmp_path):
    server, client, job_id = shared
    theirs, ours = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    told = said("export", job_id, theirs, "--coordinator", server.address)
    assert told.replace(str(theirs), str(ours)) == said("export", client.get(job_id).run_dir, ours)
    assert theirs.read_bytes() == ours.read_bytes() and len(ours.read_bytes()) > 1000


def test_a_sample_is_explained_as_by_the_folder(shared, data_root):
    server, client, job_id = shared
    there = said("explain", job_id, "--sample", "3", "--data-root", data_root, "--coordinator", server.address)
    assert there == said("explain", client.get(job_id).run_dir, "--sample", "3", "--data-root", data_root)
    assert there.splitlines()[-1].startswith("sample 3: output ")


@pytest.mark.parametrize("command", [["export", "nope", "x.onnx"], ["explain", "nope"]])
def test_what_is_neither_job_nor_folder_is_refused(shared, command):
    done = CliRunner().invoke(bptrain, [*command, "--coordinator", shared[0].address])
    assert str(done.exception) == 'there is no job "nope"; bptrain list shows all' and not Path("x.onnx").exists()
