"""`bptrain init-certs`: six files, keys for their owner alone, nothing overwritten."""

import stat

import pytest

from worker.errors import Unavailable

x509 = pytest.importorskip("cryptography.x509", reason="needs pip install 'bptrain[certs]'")
from coordinator import certificates  # noqa: E402

NAMES = ["ca.crt", "ca.key", "client.crt", "client.key", "server.crt", "server.key"]


@pytest.fixture
def folder(tmp_path):
    certificates.write(tmp_path / "certs", ["trainer.example", "10.0.0.7"], days=30)
    return tmp_path / "certs"


def read(folder, name):
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_a_ca_a_server_and_a_client_are_made(folder):
    assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_keys_are_for_their_owner_alone(folder):
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")} == {0o600}


def test_server_and_client_are_signed_by_the_ca_and_hold_as_long_as_asked(folder):
    ca = read(folder, "ca")
    for name in ("server", "client"):
        certificate = read(folder, name)
        certificate.verify_directly_issued_by(ca)
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc - certificates.CLOCKS).days == 30


def test_the_server_has_the_names_asked_for_and_those_of_every_machine(folder):
    names = read(folder, "server").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["trainer.example", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7", "127.0.0.1", "::1"]


def test_nothing_that_is_there_is_overwritten(folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (folder / "client.crt").unlink()
    with pytest.raises(Unavailable, match="has ca.crt, ca.key, server.crt, server.key, client.key already; choose another folder$"):
        certificates.write(folder, [], days=1)
    assert {path: path.read_bytes() for path in folder.iterdir()}.items() <= before.items()
