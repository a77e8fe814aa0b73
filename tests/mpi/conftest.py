"""Three hosts on one machine: network namespaces with addresses, host names and temporary folders of
their own, joined by a bridge, entered by a launch agent where a cluster would use ssh."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

AGENT = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
address=$1; shift
number=${address##*.}
exec ip netns exec %(prefix)s$number unshare --uts sh -c "hostname host$number; export TMPDIR=%(folder)s/host$number; $*"
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.CompletedProcess]]:
    """`hosts("-m", "worker", …, ranks=3)` runs this Python under mpirun, the ranks dealt out to three hosts."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare"))):
        pytest.skip("needs root, ip and unshare, to make network namespaces")
    prefix, folder = f"bpt{os.getpid()}-", tmp_path_factory.mktemp("hosts")
    bridge = f"bpt{os.getpid()}"
    try:
        _make(prefix, bridge, folder)
        yield _runner(prefix, folder)
    finally:
        for number in (1, 2, 3):
            subprocess.run(["ip", "netns", "del", f"{prefix}{number}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", bridge], check=False, capture_output=True)


def _make(prefix: str, bridge: str, folder: Path) -> None:
    def ip(command: str) -> None:
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)

    ip(f"link add {bridge} type bridge")
    ip(f"link set {bridge} up")
    for number in (1, 2, 3):
        host, link = f"{prefix}{number}", f"bpv{os.getpid()}-{number}"
        ip(f"netns add {host}")
        ip(f"link add {link} type veth peer name eth0 netns {host}")
        ip(f"link set {link} master {bridge} up")
        ip(f"-n {host} addr add 10.213.7.{number}/24 dev eth0")
        ip(f"-n {host} link set eth0 up")
        ip(f"-n {host} link set lo up")
        (folder / f"host{number}").mkdir()
    (folder / "hostfile").write_text("".join(f"10.213.7.{number} slots=1\n" for number in (1, 2, 3)))
    (folder / "agent").write_text(AGENT % {"prefix": prefix, "folder": folder})
    (folder / "agent").chmod(0o755)


def _runner(prefix: str, folder: Path) -> Callable[..., subprocess.CompletedProcess]:
    def run(*arguments: object, cwd: Path, ranks: int = 3) -> subprocess.CompletedProcess:
        command = [Path(sys.executable).with_name("mpirun"), "-n", str(ranks), "--hostfile", folder / "hostfile",
                   "--prtemca", "plm_ssh_agent", folder / "agent", "--bind-to", "none", "--map-by", "node:OVERSUBSCRIBE",
                   "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp", "--mca", "btl_tcp_if_include", "eth0",
                   sys.executable, *arguments]
        return subprocess.run([folder / "agent", "10.213.7.1", *map(str, command)], cwd=cwd,
                              capture_output=True, text=True, timeout=240)

    return run
