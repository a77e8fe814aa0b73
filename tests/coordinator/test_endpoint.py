"""How a coordinator is spoken to: from arguments or the environment, and never so that a token can be read on the way."""

from pathlib import Path

import pytest

from coordinator.client import Client
from coordinator.endpoint import Endpoint, is_loopback
from worker.errors import Unavailable


@pytest.fixture
def clear(monkeypatch):
    for name in ("COORDINATOR", "TOKEN", "CA", "CERT", "KEY"):
        monkeypatch.delenv(f"BPTRAIN_{name}", raising=False)
    return monkeypatch


def test_everything_may_come_from_the_environment(clear):
    for name, value in {"COORDINATOR": "h:1", "TOKEN": "secret", "CA": "ca", "CERT": "crt", "KEY": "key"}.items():
        clear.setenv(f"BPTRAIN_{name}", value)
    assert Endpoint.of() == Endpoint("h:1", "secret", Path("ca"), Path("crt"), Path("key"))


def test_what_is_given_goes_before_the_environment(clear, tmp_path):
    clear.setenv("BPTRAIN_TOKEN", "of the environment")
    (tmp_path / "token").write_text("of the file\n")
    assert Endpoint.of(token_file=tmp_path / "token").token == "of the file"


def test_a_token_file_that_is_not_there_is_named(clear, tmp_path):
    with pytest.raises(Unavailable, match="none cannot be read: No such file or directory$"):
        Endpoint.of(token_file=tmp_path / "none")


def test_a_token_is_not_shown_in_a_traceback():
    assert "secret" not in repr(Endpoint("h:1", "secret"))


@pytest.mark.parametrize("token", ["bpt_ü", "bpt_a\nbpt_b", "bpt_\0"])
def test_what_cannot_be_a_token_is_not_sent(token):
    with pytest.raises(Unavailable, match="^the token has characters that no token has"):
        Client(Endpoint("127.0.0.1:1", token))


def test_a_token_is_never_sent_to_another_machine_in_plain_text():
    with pytest.raises(Unavailable, match="^the token would go to trainer.example:7421 unencrypted; name the CA"):
        Client(Endpoint("trainer.example:7421", "secret"))


@pytest.mark.parametrize("files", [{"certificate": Path("crt")}, {"key": Path("key"), "ca": Path("ca")}, {"certificate": Path("crt"), "key": Path("key")}],
                         ids=["no key", "no certificate", "no ca"])
def test_a_certificate_without_its_key_or_without_tls_is_refused(files):
    with pytest.raises(Unavailable, match="give --cert, --key and --ca together$"):
        Client(Endpoint("127.0.0.1:1", **files))


@pytest.mark.parametrize(("host", "answer"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
                                              ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("", False)])
def test_only_this_machine_reaches_a_loopback_address(host, answer):
    assert is_loopback(host) is answer
