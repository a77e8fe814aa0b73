"""A rank's side of the keeper: gets the node's segment, and starts the keeper where there is none."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

from worker.errors import Unavailable
from worker.node import keeper
from worker.node.memory import Segment

START_S = 10.0  # for a keeper to answer


class Holding:
    """The node's segment, and the connection by which the keeper knows that this rank lives."""

    def __init__(self, segment: Segment, connection: socket.socket | None = None):
        self.segment, self._connection = segment, connection

    def end(self) -> None:
        """The job has ended: the keeper goes when its ranks have gone."""
        self._say(keeper.END)

    def leave(self) -> None:
        """Others will come and go on: the keeper waits for them, however short the job's keep_s is."""
        self._say(keeper.LEAVE)

    def _say(self, last: bytes) -> None:
        if self._connection:
            with suppress(OSError):  # somebody may have ended the keeper
                self._connection.send(last)
            self._connection.close()


def private(size_bytes: int) -> Holding:
    """Memory of this process alone, for those who cannot share it."""
    return Holding(Segment.new(size_bytes))


def hold(name: str, attempt: int, size_bytes: int, keep_s: float, start: bool) -> Holding:
    """The segment of that name, when no rank of an earlier attempt uses it any more; `start`: this rank starts the
    keeper if there is none. Raises Unavailable."""
    address = _address(name)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        connection = _connect(address)
        if connection is None and start:
            _start(address, size_bytes, keep_s)
            start = False
        elif connection and (found := _ask(connection, attempt)):
            return found
        time.sleep(0.002)
    raise Unavailable("the keeper of this node's memory does not answer; set shared_memory: false to do without")


def _ask(connection: socket.socket, attempt: int) -> Holding | None:
    """None where the keeper was about to end. Raises Unavailable."""
    connection.settimeout(START_S)
    try:
        connection.send(keeper.ATTEMPT + str(attempt).encode())
        said, descriptors, _, _ = socket.recv_fds(connection, 64, 1)
    except OSError:
        said = b""
    if said == keeper.HERE:
        segment = Segment(descriptors[0], os.fstat(descriptors[0]).st_size)
        segment.close()
        return Holding(segment, connection)
    connection.close()
    if said == keeper.TAKEN_OVER:
        raise Unavailable("a later attempt at this run has taken over")
    return None


def release(name: str) -> None:
    """Nobody will come back to this run: its keeper on this host, if there is one, goes."""
    connection = _connect(_address(name))
    if connection:
        with connection:
            connection.send(keeper.END)


def _address(name: str) -> str:
    return f"bptrain-{os.geteuid()}-{name}"


def _connect(address: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect("\0" + address)
        return connection
    except OSError:
        connection.close()
        return None


def _start(address: str, size_bytes: int, keep_s: float) -> None:
    """In a session of its own: what ends the ranks does not end it. A shell that leaves at once makes it nobody's
    child."""
    segment = Segment.new(size_bytes)
    command = [sys.executable, "-I", "-S", keeper.__file__, address, str(segment.descriptor), str(keep_s)]
    try:
        subprocess.run(["/bin/sh", "-c", '"$@" &', "sh", *command], pass_fds=[segment.descriptor], cwd="/", check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        raise Unavailable(f"the keeper of this node's memory cannot be started: {error.strerror}") from None
