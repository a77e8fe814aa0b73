"""What `python -m worker` was asked to do."""

from pathlib import Path

import pytest

from worker import options


def test_a_job_file_alone_leaves_the_rest_to_defaults():
    assert options.parse(["job.yaml"]) == options.Options(Path("job.yaml"), None, False, "", Path(), 0)


def test_everything_can_be_said():
    said = ["job.yaml", "--run-dir", "d", "--resume", "--data-root", "/data", "--coordinator", "h:1", "--world", "3"]
    assert options.parse(said) == options.Options(Path("job.yaml"), Path("d"), True, "h:1", Path("/data"), 3)


def test_a_runs_folder_stands_for_its_job_and_itself(tmp_path):
    found = options.parse([str(tmp_path), "--resume"])
    assert (found.job, found.run_dir) == (tmp_path / "job.json", tmp_path)


def test_a_runs_folder_may_give_the_job_of_another_run(tmp_path):
    found = options.parse([str(tmp_path), "--run-dir", "elsewhere"])
    assert (found.job, found.run_dir) == (tmp_path / "job.json", Path("elsewhere"))


@pytest.mark.parametrize("said", [[], ["job.yaml", "--unknown"], ["a", "b"]], ids=str)
def test_what_is_not_understood_is_bad_input(said, capsys):
    with pytest.raises(SystemExit) as error:
        options.parse(said)
    assert error.value.code == 2
    assert "usage: python -m worker" in capsys.readouterr().err


def test_help_names_the_exit_statuses(capsys):
    with pytest.raises(SystemExit):
        options.parse(["--help"])
    assert "0 done or stopped on request, 1 the training failed, 2 bad input" in " ".join(capsys.readouterr().out.split())
