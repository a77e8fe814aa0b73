"""The commands that steer jobs, in the order in which one would use them, against a coordinator of 2 slots."""

import json
import re
import socket

import pytest

from coordinator.jobs import states


def output(standing, *arguments):
    done = standing.bptrain(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def parsed(standing, *arguments):
    return json.loads(output(standing, *arguments, "--format", "json"))


@pytest.fixture(scope="module")
def job(standing):
    """A slow job that has been paused, and goes on on one rank."""
    job = standing.running(ranks=2, labels={"team": "vision"})
    assert re.fullmatch(r"PAUSED at step \d+: paused by a user\n", output(standing, "pause", job.id))
    assert [found["id"] for found in parsed(standing, "list", "--filter", "state = PAUSED AND label.team = vision")["jobs"]] == [job.id]
    assert re.fullmatch(r"(QUEUED|STARTING) at step \d+: .+\n", output(standing, "resume", job.id, "--ranks", 1))
    assert output(standing, "wait", job.id, "--state", "running").startswith("RUNNING: 1 rank(s) met on ")
    yield job
    output(standing, "cancel", job.id)


@pytest.mark.slow
def test_the_queue_shows_who_has_slots_and_why_others_wait(standing, job):
    waiting = standing.submit(ranks=2, name="large")
    text = output(standing, "queue")
    assert text.startswith("1 of 2 slot(s) are free\n\nplace  id ")
    assert re.search(rf"^-      {job.id}  small  RUNNING  1      50        -      .+  -$", text, re.MULTILINE)
    assert re.search(rf"^1      {waiting.id}  large  QUEUED   2      50        -      .+  1 of 2 slot\(s\) are free; it needs 2$", text, re.MULTILINE)
    found = parsed(standing, "queue")
    assert ([each["job_id"] for each in found["running"]], [each["job_id"] for each in found["waiting"]]) == ([job.id], [waiting.id])
    assert re.search(r"^queue       place 1: 1 of 2 slot\(s\) are free; it needs 2", output(standing, "show", waiting.id), re.MULTILINE)
    assert output(standing, "cancel", waiting.id) == "CANCELLED at step 0: cancelled by a user\n"


def test_show_says_what_a_step_goes_into(standing, job, wait_until):
    wait_until(lambda: standing.client.get(job.id).slow_reason)
    found = standing.client.get(job.id)
    assert re.match(r"(compute|wire|input|imbalance): .+ of a step's [\d.]+ m?s$", found.slow_reason)
    assert (len(found.progress.pace.rank_s), list(found.progress.pace.hosts)) == (1, [socket.gethostname()])
    assert re.search(r"^step +(compute|wire|input|imbalance): ", output(standing, "show", job.id), re.MULTILINE)


def test_labels_and_limits_are_changed_while_it_trains(standing, job):
    assert output(standing, "update", job.id, "--priority", 70, "--label", "team=text", "--time-limit", 9999) == (
        "priority, time_limit_s, labels changed by a user\n")
    spec = standing.client.get(job.id).spec
    assert (spec.priority, dict(spec.labels), spec.time_limit_s) == (70, {"team": "text"}, 9999)


@pytest.mark.slow
def test_a_fork_takes_over_what_is_not_changed(standing, job):
    step = standing.client.get(job.id).transitions  # paused once: there is a checkpoint
    made = output(standing, "fork", job.id, "--set", "optimizer.adam.learning_rate=1e-3", "--set", "name=branch", "--set", "ranks=1").strip()
    found = standing.client.get(made)
    assert step and (found.spec.name, found.origin.job_id) == ("branch", job.id)
    assert found.spec.optimizer.attributes["learning_rate"] == 0.001 and found.spec.optimizer.kind == "adam"
    assert output(standing, "wait", made, "--state", "running").startswith("RUNNING: ")
    assert re.match(r"CANCELLED at step \d+: cancelled by a user\ngo on with: bptrain retry ", output(standing, "cancel", made, "--mode", "now"))
    assert output(standing, "delete", made).startswith("deleted; what it left is removed after ")
    assert made not in output(standing, "list") and made in output(standing, "list", "--deleted")
    assert output(standing, "undelete", made).startswith("CANCELLED at step ")


def test_two_jobs_are_compared(standing, job):
    other = standing.client.wait(standing.submit(ranks=1, epochs=1, name="other").id)
    text = output(standing, "compare", job.id, other.id)
    assert f"loss of {job.id}" in text and f"loss of {other.id}" in text
    assert re.search(r"^name +small +other$", text, re.MULTILINE) and re.search(r"^epochs +\d+ +1$", text, re.MULTILINE) and re.search(r"^eval_loss +- +\d", text, re.MULTILINE)
    assert {curve["series"] for curve in parsed(standing, "compare", job.id, other.id)["curves"]} == {"loss"}


def test_info_says_what_the_coordinator_is_and_allows(standing, job):
    text, found = output(standing, "info"), parsed(standing, "info")
    assert re.search(r"^slots +2$", text, re.MULTILINE) and re.search(r"^queued_jobs +1,000$", text, re.MULTILINE)
    assert found["limits"]["page_size"] == 1000 and {"data:npz", "reduction:exact", "standby"} <= set(found["features"])
    assert set(found["versions"]) >= {"python", "numpy", "grpc", "mpi"}
    line = output(standing, "info", "--launch", job.id)
    assert "mpirun" in line and " -n 1 " in line and f" -m worker {job.run_dir} " in line and line.endswith(" --resume\n")


@pytest.mark.parametrize(("arguments", "code", "sentence"), [
    (("resume", "ID"), 1, "bptrain: job ID is RUNNING: it cannot be resumed"), (("retry", "ID"), 1, "bptrain: job ID is RUNNING: it cannot be tried again"),
    (("delete", "ID"), 1, "bptrain: job ID is RUNNING: it cannot be deleted"), (("undelete", "ID"), 1, "bptrain: job ID is RUNNING: it cannot be undeleted"),
    (("fork", "ID", "--step", 7), 2, "bptrain: job ID has no whole checkpoint of step 7; kept: "), (("update", "ID"), 2, "nothing to change; name at least one option"),
    (("list", "--filter", "nam = x"), 2, 'filter: unknown field "nam"; did you mean name?'), (("wait", "ID", "--timeout", 0), 1, ""),
    (("fork", "ID", "--set", "seed"), 2, 'expected KEY=VALUE, got "seed"')], ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "")
def test_what_cannot_be_is_said_in_a_sentence(standing, job, arguments, code, sentence):
    done = standing.bptrain(*(job.id if each == "ID" else each for each in arguments))
    assert done.returncode == code and sentence.replace("ID", job.id) in done.stderr and "Traceback" not in done.stderr


def test_a_shell_completes_commands_and_jobs(standing, job):
    environment = {**standing.environment(), "_BPTRAIN_COMPLETE": "bash_complete", "COMP_WORDS": "bptrain pau", "COMP_CWORD": "1"}
    assert standing.bptrain(env=environment).stdout == "plain,pause\n"
    environment |= {"COMP_WORDS": f"bptrain show {job.id[:5]}", "COMP_CWORD": "2"}
    assert f"plain,{job.id}\n" in standing.bptrain(env=environment).stdout


def test_the_job_still_trains(standing, job):
    assert states.label(standing.client.get(job.id).state) == "RUNNING"
