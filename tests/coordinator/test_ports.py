"""Who is let in over a real socket: with TLS, with mutual TLS, and who is told what is wrong."""

import re
from contextlib import contextmanager

import pytest

from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.endpoint import Endpoint
from coordinator.ports import LOOPBACK, Listen, Tls
from worker.errors import Unavailable

HANGS_UP = "hangs up at once: it wants TLS (name its CA with --ca), or a certificate of ours (--cert and --key)"


@pytest.fixture(scope="module")
def listening(tmp_path_factory, data_root):
    """`with listening(tls, host) as server`."""

    @contextmanager
    def listen(tls=None, host=LOOPBACK):
        with embedded(Settings(tmp_path_factory.mktemp("state"), data_root, slots=1), Listen(host, 0, 0, tls)) as server:
            yield server

    return listen


@pytest.fixture(scope="module")
def tls(listening, authorities):
    """The address of a coordinator that speaks TLS to everybody."""
    ours, _ = authorities
    with listening(Tls(ours / "server.crt", ours / "server.key")) as server:
        yield server.address


@pytest.fixture(scope="module")
def mutual(listening, authorities):
    """The address of one that speaks to clients of our authority alone."""
    ours, _ = authorities
    with listening(Tls(ours / "server.crt", ours / "server.key", ours / "ca.crt")) as server:
        yield server.address


def ask(address, ca=None, client=None, name="client"):
    """What it answers to this client: its jobs, or what the client is told."""
    certificate, key = (client / f"{name}.crt", client / f"{name}.key") if client else (None, None)
    try:
        with Client(Endpoint(address, ca=ca and ca / "ca.crt", certificate=certificate, key=key)) as opened:
            return list(opened.list())
    except Unavailable as error:
        return str(error)


def test_with_the_right_authority_the_line_is_encrypted(tls, authorities):
    assert ask(tls, authorities[0]) == []


def test_plain_text_to_a_tls_port_is_hung_up_on(tls):
    assert ask(tls) == f"{tls} {HANGS_UP}"


def test_a_coordinator_of_another_authority_is_not_believed(tls, authorities):
    assert ask(tls, authorities[1]) == f"the certificate that {tls} shows is not signed by the CA that was named, or has expired"


def test_a_coordinator_of_another_name_is_not_believed(listening, authorities):
    ours, _ = authorities
    with listening(Tls(ours / "server.crt", ours / "server.key"), host="127.0.0.2") as server:
        assert ask(server.address, ours).startswith(f"the certificate that {server.address} shows is for other names")


def test_tls_to_a_plain_port_is_told_so(listening, authorities):
    with listening() as server:
        assert ask(server.address, authorities[0]) == f"{server.address} does not speak TLS; leave --ca and BPTRAIN_CA away"


def test_a_client_of_our_authority_is_let_in(mutual, authorities):
    assert ask(mutual, authorities[0], client=authorities[0]) == []


@pytest.mark.parametrize("name", ["none", "client", "server"])
def test_no_certificate_a_foreign_one_and_one_for_servers_are_hung_up_on(mutual, authorities, name):
    client = {"none": None, "client": authorities[1], "server": authorities[0]}[name]
    assert ask(mutual, authorities[0], client, name) == f"{mutual} {HANGS_UP}"


def test_the_ranks_port_stays_on_the_loopback_interface(listening):
    with listening(host="0.0.0.0") as server:
        assert server.worker_address.startswith(f"{LOOPBACK}:")


@pytest.mark.parametrize(("certificate", "key", "client_ca", "reason"), [
    ("ca.crt", "server.key", None, "KEY_VALUES_MISMATCH"), ("server.key", "server.key", None, "PEM lib"),
    ("server.crt", "server.key", "ca.key", "NO_CERTIFICATE_OR_CRL_FOUND"), ("none.crt", "server.key", None, "No such file or directory")])
def test_files_that_are_no_good_are_refused_by_name_and_nothing_stays_claimed(tmp_path, data_root, authorities, certificate, key, client_ca, reason):
    ours, settings = authorities[0], Settings(tmp_path / "state", data_root, slots=1)
    tls = Tls(ours / certificate, ours / key, client_ca and ours / client_ca)
    with pytest.raises(Unavailable, match=f"{re.escape(certificate)}.*{reason}"), embedded(settings, Listen(LOOPBACK, 0, 0, tls)):
        pass
    with embedded(settings):
        pass
