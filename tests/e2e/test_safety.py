"""`bptrain` with certificates and tokens, as an administrator and a user type it."""

import os
import re
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

SECRET = re.compile(r"bpt_[\w-]{43}")
NO_TOKEN = "bptrain: this coordinator wants a token; put one into BPTRAIN_TOKEN or name its file with --token-file\n"


class Served:
    """`bptrain serve` with options of the test's own, and commands that call it."""

    def __init__(self, workplace, process, log):
        self.workplace, self.process, self.log = workplace, process, log
        workplace.address = re.search(r"coordinator at (\S+)", log.read_text())[1]
        self.line = []

    def ask(self, *arguments, token=""):
        """(what the command printed, on standard output and on standard error), shown with this token."""
        self.workplace.folder.joinpath("token").write_text(token)
        done = self.workplace.bptrain(*arguments, *self.line, *(["--token-file", "token"] if token else []))
        return done.stdout, done.stderr


@pytest.fixture
def served(workplace, wait_until):
    """`with served("--require-token") as server`."""

    @contextmanager
    def serve(*options, **more):
        log = workplace.folder / "serve.log"
        with open(log, "w") as file, workplace.popen(workplace.program, "serve", "--port", "0", "--worker-port", "0", "--state", "state", *options,
                                                     **{"stdout": file, "stderr": file} | more) as process:
            try:
                wait_until(lambda: "coordinator at" in log.read_text() or process.poll() is not None)
                yield Served(workplace, process, log)
            finally:
                process.terminate()

    return serve


def test_tokens_from_the_first_to_the_audit_trail(served, workplace):
    first = workplace.bptrain("token", "create", "chief", "--scope", "admin", "--state", "state").stdout.strip()
    assert SECRET.fullmatch(first)
    with served() as server:  # once there is a token, tokens are wanted
        assert server.ask("list") == ("", NO_TOKEN)
        second = server.ask("token", "create", "guest", "--days", "1", token=first)[0].strip()
        assert SECRET.fullmatch(second)
        assert server.ask("list", token=second) == ("no jobs yet\n", "")
        refused = "bptrain: the scope submit is needed for SubmitJob; token guest has read\n"
        assert server.ask("submit", workplace.job(), token=second) == ("", refused)
        assert server.ask("token", "revoke", "guest", token=first) == ("guest is revoked\n", "")
        assert server.ask("list", token=second) == ("", "bptrain: token guest has been revoked; ask an administrator for a new one\n")
        rows = [re.split(r"\s{2,}", line.strip()) for line in server.ask("token", "list", token=first)[0].splitlines()]
        assert [[row[0], row[1], row[4].split()[0]] for row in rows] == [
            ["name", "scope", "state"], ["chief", "admin", "valid"], ["guest", "read", "revoked"]]
        trail = [re.split(r"\s{2,}", line.strip())[1:5] for line in server.ask("audit", token=first)[0].splitlines()[1:]]
        assert [row for row in trail if row[1] != "SubmitJob"] == [
            ["chief", "RevokeToken", "guest", "OK"], ["chief", "CreateToken", "guest", "OK"], ["console", "CreateToken", "chief", "OK"]]
        assert not SECRET.search(server.log.read_text())


def test_a_log_is_never_shown_the_first_token(served):
    with served("--require-token") as server:
        assert server.ask("list") == ("", NO_TOKEN)
        said = server.log.read_text()
    assert "there is no token yet, and nobody is let in; make one with: bptrain token create NAME --scope admin --state" in said
    assert not SECRET.search(said)


def test_a_terminal_is_shown_the_first_token_once(served, workplace, wait_until):
    for shown in (True, False):
        said = on_a_terminal(workplace, wait_until)
        assert len(SECRET.findall(said)) == shown


def on_a_terminal(workplace, wait_until):
    """What `bptrain serve --require-token` says to somebody who sits there."""
    ours, theirs = os.openpty()
    command = [workplace.program, "serve", "--port", "0", "--worker-port", "0", "--state", "state", "--require-token"]
    with workplace.popen(*command, stdout=theirs, stderr=subprocess.DEVNULL) as process, closing(os.fdopen(ours, "rb", buffering=0)) as terminal:
        os.close(theirs)
        said = b""
        while b"coordinator at" not in said:
            said += terminal.read(4096)
        time.sleep(0.5)
        process.terminate()
        with pytest.raises(OSError):  # the terminal's end
            while True:
                said += terminal.read(4096)
    return said.decode()


def test_an_address_for_others_with_certificates_wants_tokens(served, workplace):
    pytest.importorskip("cryptography", reason="needs pip install 'bptrain[certs]'")
    made = workplace.bptrain("init-certs", "certs", "--host", "trainer.example")
    assert made.returncode == 0 and "bptrain serve --tls-cert certs/server.crt --tls-key certs/server.key" in made.stdout
    secret = workplace.bptrain("token", "create", "chief", "--scope", "admin", "--state", "state").stdout.strip()
    with served("--host", "0.0.0.0", "--tls-cert", "certs/server.crt", "--tls-key", "certs/server.key") as server:
        workplace.address = workplace.address.replace("0.0.0.0", "127.0.0.1")
        assert "hangs up at once: it wants TLS" in server.ask("list", token=secret)[1]
        server.line = ["--ca", "certs/ca.crt"]
        assert server.ask("list") == ("", NO_TOKEN)
        assert server.ask("list", token=secret) == ("no jobs yet\n", "")


def test_init_certs_says_what_it_needs(workplace):
    (workplace.folder / "cryptography.py").write_text("raise ModuleNotFoundError")  # as if it were not installed
    done = workplace.bptrain("init-certs", "certs", env=os.environ | {"PYTHONPATH": f"{workplace.folder}:{os.environ.get('PYTHONPATH', '')}"})
    assert (done.returncode, done.stderr) == (3, "bptrain: init-certs needs a library that is not installed: pip install 'bptrain[certs]'\n")
    assert not (workplace.folder / "certs").exists()


def test_a_plain_address_for_others_is_warned_of(served):
    with served("--host", "0.0.0.0", "--insecure") as server:
        assert re.search(r"^warning: whoever can reach 0\.0\.0\.0:\d+ can read along: nothing is encrypted$", server.log.read_text(), re.MULTILINE)


@pytest.mark.parametrize("options", [["--tls-cert", "x"], ["--tls-key", "x"], ["--client-ca", "x"]], ids=" ".join)
def test_half_of_tls_is_refused(workplace, options):
    done = workplace.bptrain("serve", *options, "--state", "state")
    assert done.returncode == 2 and "TLS needs both --tls-cert and --tls-key; --client-ca only adds to them" in done.stderr
