"""`bptrain`: what each command prints about a job that has ended."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from coordinator.cli import Commands, bptrain
from coordinator.launchers import tags
from coordinator.terminal.clock import short_clock

COMMANDS = ["artifacts", "audit", "backup", "cancel", "check", "compare", "curve", "delete", "demo", "explain", "export", "fork",
            "generate", "info", "init-certs", "layers", "list", "logs", "pause", "predict", "publish", "queue", "replay", "resize", "resume",
            "retry", "run", "series", "serve", "show", "submit", "token", "undelete", "update", "wait", "warmup", "watch"]


@pytest.fixture(scope="module")
def watched(standing):
    """What `bptrain submit --watch` printed."""
    return standing.bptrain("submit", standing.job(), "--watch")


@pytest.fixture(scope="module")
def job(standing, watched):
    return standing.client.get(watched.stdout.splitlines()[0])


def output(standing, *arguments):
    done = standing.bptrain(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_commands_are_the_files_of_the_folder():
    assert Commands.list_commands(bptrain, None) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for_and_what_its_options_are(command):
    found = bptrain.get_command(None, command)
    assert re.match(r"[A-Z].+\.", found.help.strip())
    assert all(option.help or option.name == "style" for option in found.params if option.param_type_name == "option")


@pytest.mark.parametrize("arguments", [["-h"], ["serve", "--help"]], ids=" ".join)
def test_help_is_printed(standing, arguments):
    text = output(standing, *arguments)
    assert text.startswith("Usage: bptrain ") and "--help" in text


def test_the_version_is_printed(standing):
    assert re.fullmatch(r"bptrain, version \d+\.\d+\.\d+\n", output(standing, "--version"))


def test_submit_watches_a_job_to_its_end_in_plain_lines(watched, job):
    job_id, title, queued, starting, *lines, end, digest = watched.stdout.splitlines()
    running, first, second = sorted(line for line in lines if "  loss " not in line)  # such a one comes where a second has passed
    assert (watched.returncode, watched.stderr, title) == (0, "", f"small {job_id}")
    assert (queued, starting) == ("QUEUED: submitted", "STARTING: 2 of 2 slots are free")
    assert re.fullmatch(r"RUNNING: 2 rank\(s\) met on \S+", running)
    assert first.startswith("step 16/16  epoch 2  eval_loss ") and second.startswith("step 8/16  epoch 1  eval_loss ")
    assert (end, digest) == ("SUCCEEDED: completed", f"parameters sha256:{job.digest}")


@pytest.mark.parametrize("arguments", [[], ["{job}"]], ids=["the newest", "by id"])
def test_watch_tells_an_ended_job_once_more(standing, watched, job, arguments):
    told = output(standing, "watch", *(argument.format(job=job.id) for argument in arguments)).splitlines()
    assert [line for line in told if not line.startswith("step ")] == [
        line for line in watched.stdout.splitlines()[1:] if not line.startswith("step ")]


def test_submit_prints_nothing_but_the_id(standing):
    printed = output(standing, "submit", standing.job(epochs=1))
    assert standing.client.get(printed.strip()).spec.epochs == 1 and len(printed) == 14
    standing.wait(standing.client.get(printed.strip()), "SUCCEEDED")


def test_a_job_may_be_checked_without_being_handed_in(standing, job):
    before, path = len(list(standing.client.list())), standing.job()
    assert output(standing, "submit", "--validate-only", path) == f"{path} is a valid job\n"
    assert len(list(standing.client.list())) == before


def test_list_is_a_table(standing, job):
    heading, *rows = [re.split(r"\s{2,}", line.strip()) for line in output(standing, "list").splitlines()]
    assert heading == ["id", "name", "state", "step", "left", "loss", "submitted", "cause"]
    assert rows[-1] == [job.id, "small", "SUCCEEDED", "16/16", "-", f"{job.latest['loss']:.4g}", short_clock(job.submit_time), "completed"]


def test_list_is_json(standing, job):
    found = json.loads(output(standing, "list", "--format", "json"))["jobs"][-1]
    assert (found["id"], found["state"], found["spec"]["batch_size"]) == (job.id, "JOB_STATE_SUCCEEDED", 64)


def test_show_is_a_list_of_facts(standing, job):
    lines = output(standing, "show", job.id).splitlines()
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines if not line.startswith(" "))
    assert facts == {"job": f"{job.id}  small", "state": "SUCCEEDED: completed", "progress": "step 16/16, epoch 2/2",
                     **{name: f"{value:.6g}" for name, value in job.latest.items()},
                     "ranks": "2, 4 logical shard(s), seed 7", "folder": job.run_dir, "digest": f"sha256:{job.digest}"}
    history = [line.split("  ")[-1] for line in lines if line.startswith(" ")]
    assert history == ["QUEUED: submitted", "STARTING: 2 of 2 slots are free", job.transitions[2].cause.join(["RUNNING: ", ""]), "SUCCEEDED: completed"]


def test_show_is_json(standing, job):
    found = json.loads(output(standing, "show", job.id, "--format", "json"))
    assert (found["id"], found["digest"], found["progress"]["step"], len(found["transitions"])) == (job.id, job.digest, "16", 4)


def test_a_curve_in_a_pipe_is_csv(standing, job):
    rows = list(csv.DictReader(io.StringIO(output(standing, "curve", job.id))))
    curves = standing.client.curve(job.id)
    assert {row["series"] for row in rows} == {"loss", "accuracy", "eval_loss", "eval_accuracy"} == set(curves)
    assert [(int(row["step"]), float(row["value"])) for row in rows if row["series"] == "loss"] == list(
        zip(curves["loss"].steps, curves["loss"].values))


def test_a_curve_is_json(standing, job):
    curve, = json.loads(output(standing, "curve", job.id, "--format", "json", "--series", "loss", "--points", "5"))["curves"]
    assert (curve["series"], curve["total_points"], len(curve["steps"]) <= 5) == ("loss", "16", True)


def test_a_curve_is_a_chart(standing, job):
    drawn = output(standing, "curve", job.id, "--format", "chart").splitlines()
    assert len(drawn) == 18 and drawn[-1].split() == ["━", "loss", "━", "eval_loss"]
    assert drawn[-2].split() == ["0", "15"]


def test_logs_are_what_the_ranks_printed(standing, job):
    text = output(standing, "logs", job.id)
    assert text == output(standing, "logs", job.id, "--follow")
    assert text.splitlines() == [tags.split(line).text for line in Path(job.run_dir, "log").read_text().splitlines()]
    assert f"parameters sha256:{job.digest}" in text


def test_artifacts_lists_and_saves_a_job_s_files_and_goes_on_with_half_of_one(standing, job, tmp_path):
    listed = output(standing, "artifacts", job.id)
    assert re.search(r"^checkpoints/step-00000016/parameters\.safetensors +[\d.]+ kB +16 +[0-9a-f]{64}$", listed, re.MULTILINE)
    name, saved = "checkpoints/step-00000016/parameters.safetensors", tmp_path / "saved"
    whole = Path(job.run_dir, name).read_bytes()
    saved.write_bytes(whole[:100])
    assert output(standing, "artifacts", job.id, name, "-o", saved).startswith(f"{saved}: ") and saved.read_bytes() == whole
    saved.write_bytes(b"?" + whole[1:100])
    done = standing.bptrain("artifacts", job.id, name, "-o", saved)
    assert done.returncode == 3 and f"{saved} has the SHA-256 " in done.stderr and "remove it and download it again" in done.stderr


@pytest.mark.parametrize("source", ["{job.id}", "{job.run_dir}"], ids=["job", "folder"])
def test_publish_writes_the_curves_for_tensorboard(standing, job, tmp_path, source):
    pytest.importorskip("tensorboardX", reason="needs pip install 'bptrain[tensorboard]'")
    assert output(standing, "publish", source.format(job=job), "tensorboard", tmp_path) == f"{tmp_path}: 18 rows of the curves\n"
    folder, = tmp_path.iterdir()
    assert [file.stat().st_size > 500 for file in folder.iterdir()] == [True]
