"""What is not there, or taken: one clear line on standard error, the right exit code, no traceback."""

import socket

import pytest

NO_JOBS = "there are no jobs yet; hand one in with: bptrain submit JOB.yaml"


def refused(done, code, sentence):
    """Whether the command said this one line and nothing else."""
    return (done.returncode, done.stdout, done.stderr) == (code, "", f"bptrain: {sentence}\n")


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.mark.parametrize("command", [["list"], ["watch"], ["submit", "{job}"]], ids=" ".join)
def test_a_coordinator_that_is_not_there(workplace, nobody, command):
    command = [argument.format(job=workplace.job()) for argument in command]
    if command[0] == "list":
        workplace.address = nobody  # as $BPTRAIN_COORDINATOR
    else:
        command += ["--coordinator", nobody]
    done = workplace.bptrain(*command)
    assert refused(done, 3, f"no coordinator answers at {nobody}; start one with: bptrain serve")


@pytest.mark.parametrize("ports", [("{taken}", "0"), ("0", "{taken}")], ids=["users' port", "ranks' port"])
def test_a_port_in_use(workplace, taken, ports):
    port, worker_port = (value.format(taken=taken) for value in ports)
    done = workplace.bptrain("serve", "--port", port, "--worker-port", worker_port, "--state", "state")
    assert refused(done, 3, f"cannot listen on 127.0.0.1:{taken}: Address already in use; choose another port")


def test_a_state_folder_in_use(standing):
    done = standing.bptrain("serve", "--port", "0", "--worker-port", "0", "--state", standing.state)
    assert refused(done, 3, f"the state folder {standing.state} is in use by another coordinator")


def test_a_demo_in_a_folder_in_use(standing):
    assert refused(standing.bptrain("demo", "--folder", standing.state), 3, f"the state folder {standing.state} is in use by another coordinator")


def test_a_store_that_is_none(workplace):
    (workplace.folder / "state").mkdir()
    (workplace.folder / "state" / "store.db").write_bytes(b"nothing of ours" * 99)
    done = workplace.bptrain("serve", "--port", "0", "--worker-port", "0", "--state", "state")
    assert refused(done, 3, f"the store {workplace.folder}/state/store.db cannot be opened: file is not a database; "
                            "and there is no backup of it")


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_a_job_that_is_not_there(standing, command):
    assert refused(standing.bptrain(command, "nope"), 2, 'there is no job "nope"; bptrain list shows all')


@pytest.mark.parametrize("command", [
    ["predict", "runs/none", "x.csv"], ["explain", "runs/none"], ["export", "none.yaml", "x.onnx"], ["publish", "runs/none", "tensorboard", "x"]], ids=" ".join)
def test_a_folder_that_is_not_there_is_not_asked_for_at_a_coordinator(workplace, command):
    sentence = f"{command[1]}: expected a job of a coordinator, or the folder of a run, but there is no such folder"
    assert refused(workplace.bptrain(*command), 2, sentence)


def test_a_folder_that_is_not_a_runs(workplace):
    assert refused(workplace.bptrain("run", "."), 2, ".: expected a job file, or the folder of a run, but in this one there is no job.json")


def test_no_job_at_all(standing):
    assert refused(standing.bptrain("show"), 3, NO_JOBS)


def test_an_empty_list_is_no_error(standing):
    done = standing.bptrain("list")
    assert (done.returncode, done.stdout) == (0, "no jobs yet\n")


@pytest.mark.parametrize(("command", "words"), [
    (["frobnicate"], "No such command 'frobnicate'"), (["show", "--frob"], "No such option '--frob'"),
    (["cancel"], "Missing argument 'JOB'"), (["serve", "--slots", "0"], "0 is not in the range x>=1"),
    (["serve", "--host", "0.0.0.0"], "nothing is encrypted: add --tls-cert and --tls-key, or --insecure to allow it"),
    (["serve", "--data-root", "nowhere"], "Directory 'nowhere' does not exist")], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_command_line_that_makes_no_sense(workplace, command, words):
    done = workplace.bptrain(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and done.stderr.startswith("Usage: bptrain") and "Traceback" not in done.stderr
    assert not (workplace.folder / "state").exists()


@pytest.mark.parametrize("command", [["serve", "--port", "0", "--worker-port", "0", "--state", "file/state"], ["run", "{job}", "--run-dir", "file/run"]], ids=" ".join)
def test_a_folder_that_cannot_be_made(workplace, command):
    (workplace.folder / "file").write_text("")
    done = workplace.bptrain(*(argument.format(job=workplace.job()) for argument in command))
    assert (done.returncode, len(done.stderr.splitlines()), "Traceback" in done.stderr) == (3, 1, False)


def test_a_port_that_there_is_not(standing):
    done = standing.bptrain("serve", "--port", "99999", "--state", standing.state)
    assert done.returncode == 2 and "99999" in done.stderr
