"""Three hosts on one machine: network namespaces with addresses, host names and temporary folders of
their own, joined by a bridge, entered by a launch agent where a cluster would use ssh.

A host can have its link cut, be slowed down, or lose every process at once; then the agent does what ssh
does: it waits for a host that is cut off, and is refused by one that is down.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

NUMBERS = (1, 2, 3)
AGENT = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
address=$1; shift
number=${address##*.}
[ -e %(folder)s/host$number/down ] && exit 255
[ -e %(folder)s/host$number/cut ] && exec sleep 20
exec ip netns exec %(prefix)s$number unshare --uts sh -c "hostname host$number; export TMPDIR=%(folder)s/host$number; $*"
"""


class Hosts:
    """Hosts 1, 2 and 3, with one slot each. `hostfile`, `agent`: for an mpirun that is to reach them."""

    def __init__(self, folder: Path):
        self._folder, self._prefix, self._bridge = folder, f"bpt{os.getpid()}-", f"bpt{os.getpid()}"
        self.hostfile, self.agent = folder / "hostfile", folder / "agent"

    def make(self) -> None:
        _ip(f"link add {self._bridge} type bridge")
        _ip(f"link set {self._bridge} up")
        for number in NUMBERS:
            self._make(number)
        self.hostfile.write_text("".join(f"10.213.7.{number} slots=1\n" for number in NUMBERS))
        self.agent.write_text(AGENT % {"prefix": self._prefix, "folder": self._folder})
        self.agent.chmod(0o755)

    def _make(self, number: int) -> None:
        host, link = f"{self._prefix}{number}", f"bpv{os.getpid()}-{number}"
        _ip(f"netns add {host}")
        _ip(f"link add {link} type veth peer name eth0 netns {host}")
        _ip(f"link set {link} master {self._bridge} up")
        _ip(f"-n {host} addr add 10.213.7.{number}/24 dev eth0")
        _ip(f"-n {host} link set eth0 up")
        _ip(f"-n {host} link set lo up")
        (self._folder / f"host{number}").mkdir()

    def remove(self) -> None:
        for number in NUMBERS:
            self.kill(number)
            subprocess.run(["ip", "netns", "del", f"{self._prefix}{number}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._bridge], check=False, capture_output=True)

    def command(self, number: int, *command: object) -> list[str]:
        """What runs `command` on a host."""
        return [str(self.agent), f"10.213.7.{number}", *map(str, command)]

    def mpirun(self, *arguments: object, cwd: Path, ranks: int = 3) -> subprocess.CompletedProcess:
        """This Python under a hand-typed mpirun, the ranks dealt out to the hosts."""
        command = [Path(sys.executable).with_name("mpirun"), "-n", ranks, "--hostfile", self.hostfile,
                   "--prtemca", "plm_ssh_agent", self.agent, "--bind-to", "none", "--map-by", "node:OVERSUBSCRIBE",
                   "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp", "--mca", "btl_tcp_if_include", "eth0",
                   sys.executable, *arguments]
        return subprocess.run(self.command(1, *command), cwd=cwd, capture_output=True, text=True, timeout=240)

    def pids(self, number: int) -> list[int]:
        """Every process on a host."""
        found = subprocess.run(["ip", "netns", "pids", f"{self._prefix}{number}"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def cut(self, number: int) -> None:
        """The link goes down, and the agent waits in vain."""
        (self._folder / f"host{number}" / "cut").touch()
        _ip(f"-n {self._prefix}{number} link set eth0 down")

    def kill(self, number: int) -> None:
        """Every process there dies at once, and what they had in memory is gone; the agent is refused."""
        (self._folder / f"host{number}" / "down").touch()
        until = time.monotonic() + 10
        while pids := self.pids(number):
            assert time.monotonic() < until, f"processes {pids} do not die"
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
        for left in Path("/dev/shm").glob(f"sm_segment.host{number}.*"):
            left.unlink(missing_ok=True)

    def mend(self, number: int) -> None:
        """The host is there again."""
        for name in ("cut", "down"):
            (self._folder / f"host{number}" / name).unlink(missing_ok=True)
        _ip(f"-n {self._prefix}{number} link set eth0 up")

    def renew(self) -> None:
        """Empty hosts, with whole links."""
        for number in NUMBERS:
            self.kill(number)
            self.mend(number)
            subprocess.run(["ip", "netns", "exec", f"{self._prefix}{number}", "tc", "qdisc", "del", "dev", "eth0", "root"],
                           check=False, capture_output=True)

    def delay(self, number: int, delay_ms: int) -> None:
        """Whatever the host sends takes that much longer. Skips where the kernel cannot."""
        done = subprocess.run(["ip", "netns", "exec", f"{self._prefix}{number}", "tc", "qdisc", "replace", "dev", "eth0", "root",
                               "netem", "delay", f"{delay_ms}ms"], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs a kernel with netem, to slow down the network: {done.stderr.strip()}")


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare"))):
        pytest.skip("needs root, ip and unshare, to make network namespaces")
    made = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        made.make()
        yield made
    finally:
        made.remove()
