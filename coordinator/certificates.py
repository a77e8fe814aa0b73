"""A certificate authority for one coordinator: its certificate, the server's and a client's.

1. Keys are on the P-256 curve and readable by their owner alone; nothing that is there is overwritten.
2. The CA signs nothing but these: for more, or for revocation, use an authority of your own. What serves and calls
   takes any PEM files.
"""

import datetime
import ipaddress
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from worker.errors import Unavailable

HERE = ("localhost", "127.0.0.1", "::1")  # names of every machine for itself
CLOCKS = datetime.timedelta(minutes=5)  # by which clocks may differ

Key = ec.EllipticCurvePrivateKey


def write(folder: Path, hosts: Sequence[str], days: int) -> list[Path]:
    """Makes ca, server and client, a .crt and a .key each; the server is called `hosts` and HERE."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = [folder / f"{name}.{kind}" for name in ("ca", "server", "client") for kind in ("crt", "key")]
    there = [path.name for path in paths if path.exists()]
    if there:
        raise Unavailable(f"{folder} has {', '.join(there)} already; choose another folder")
    for path, pem in zip(paths, _made(hosts, datetime.timedelta(days=days)), strict=True):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if path.suffix == ".key" else 0o644), "wb") as file:
            file.write(pem)
    return paths


def _made(hosts: Sequence[str], lifetime: datetime.timedelta) -> Iterator[bytes]:
    """Certificate and key of each, as PEM."""
    authority_key, authority = ec.generate_private_key(ec.SECP256R1()), _name("bptrain CA")
    usage = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
                          key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    ca = (_certificate(authority, authority_key, authority, lifetime)
          .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(usage, critical=True))
    yield from _pems(ca, authority_key, authority_key)
    for name, purpose, names in (("bptrain coordinator", ExtendedKeyUsageOID.SERVER_AUTH, dict.fromkeys((*hosts, *HERE))),
                                 ("bptrain client", ExtendedKeyUsageOID.CLIENT_AUTH, ())):
        key = ec.generate_private_key(ec.SECP256R1())
        yield from _pems(_leaf(_certificate(_name(name), key, authority, lifetime), authority_key, purpose, names), key, authority_key)


def _certificate(subject: x509.Name, key: Key, issuer: x509.Name, lifetime: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - CLOCKS).not_valid_after(now + lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))


def _leaf(builder: x509.CertificateBuilder, authority_key: Key, purpose: ObjectIdentifier, names: Iterable[str]) -> x509.CertificateBuilder:
    builder = (builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
               .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False))
    known = list(map(_general, names))
    return builder.add_extension(x509.SubjectAlternativeName(known), critical=False) if known else builder


def _pems(builder: x509.CertificateBuilder, key: Key, signer: Key) -> Iterator[bytes]:
    yield builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    yield key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
