"""The keeper: one tiny process a node that holds the node's replica while ranks come and go.

1. It knows neither MPI nor NumPy: it holds a memory file, hands it to ranks over a socket, and sees by their
   connections who is there. The socket's name is abstract (it stands in no file system), one for each run,
   network namespace and user.
2. A rank says which attempt it belongs to, and gets the memory once no rank of an earlier attempt is left:
   those are ended. A rank of an earlier attempt gets nothing.
3. It ends when a rank says that the job has ended, or when no rank has been there for a time: the job's keep_s, or longer
   where ranks have left for others, which surely come, but on a busy machine not soon.
4. It watches the ranks' own marks in that memory (status.py) and ends a rank that is late: one that has been
   computing, or stopped, for longer than the deadline that the ranks have agreed on. Where the whole machine stood
   still, so did the keeper, and that time counts for nobody.
"""

import mmap
import os
import select
import signal
import socket
import struct
import sys
import time
from contextlib import suppress

# Where status.py keeps its marks: the deadline, then for each rank of the node a row of numbers.
DEADLINE_BYTE = 64
ROWS_BYTE = 4096
ROWS = 256
ROW = struct.Struct("<qqqqddqq")  # pid, rank, calls, waits, since_s, late_s, and two unused
LATE_BYTE = 40  # of late_s in a row

POLL_S = 0.1
STALL_S = 0.5  # between two looks: the machine, or this process, stood still
LEFT_S = 60.0  # for those others
END, LEAVE = b"end", b"leave"
ATTEMPT = b"attempt "  # and its number
HERE, TAKEN_OVER = b"here", b"taken over"  # the answers


class Keeper:
    def __init__(self, listener: socket.socket, descriptor: int, keep_s: float):
        self._listener, self._descriptor, self._keep_s = listener, descriptor, keep_s
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._ranks: dict[socket.socket, int] = {}  # connection → pid
        self._attempts: dict[socket.socket, int] = {}
        self._waiting: list[socket.socket] = []  # for the memory
        self._stopped: dict[int, float] = {}  # pid → since when
        self._looked = self._stalled = time.monotonic()  # when last
        self._ended = self._left = False

    def run(self) -> None:
        alone_since = time.monotonic()
        while True:
            ready, _, _ = select.select([self._listener, *self._ranks], [], [], POLL_S)
            for connection in ready:
                self._accept() if connection is self._listener else self._hear(connection)
            if self._ranks:
                alone_since = time.monotonic()
                self._end_the_late()
            elif self._ended or time.monotonic() - alone_since > self._patience_s():
                return

    def _patience_s(self) -> float:
        return max(self._keep_s, LEFT_S) if self._left else self._keep_s

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.geteuid():
            connection.close()
            return
        self._ranks[connection] = pid

    def _hear(self, connection: socket.socket) -> None:
        try:
            said = connection.recv(64)
        except OSError:
            said = b""
        self._ended |= said == END
        self._left |= said == LEAVE
        if said.startswith(ATTEMPT):
            self._attempts[connection] = int(said.removeprefix(ATTEMPT))
            self._waiting.append(connection)
        if not said:
            self._let_go(connection)
        self._hand_out()

    def _hand_out(self) -> None:
        """The memory, to ranks of the newest attempt, once they are the only ones."""
        newest = max(self._attempts.values(), default=0)
        for connection, attempt in list(self._attempts.items()):
            if attempt == newest:
                continue
            if connection in self._waiting:
                _answer(connection, TAKEN_OVER)
                self._let_go(connection)
            else:
                _kill(self._ranks[connection])
        if all(attempt == newest for attempt in self._attempts.values()):
            for connection in self._waiting:
                _answer(connection, HERE, self._descriptor)
                self._left = False
            self._waiting.clear()

    def _let_go(self, connection: socket.socket) -> None:
        connection.close()
        self._stopped.pop(self._ranks.pop(connection), None)
        self._attempts.pop(connection, None)
        if connection in self._waiting:
            self._waiting.remove(connection)

    def _end_the_late(self) -> None:
        now, looked = time.monotonic(), self._looked
        self._looked = now
        if now - looked > STALL_S:
            self._stalled = now
        deadline_s, = struct.unpack_from("<d", self._memory, DEADLINE_BYTE)
        if deadline_s <= 0:
            return
        present = set(self._ranks.values())
        for row in range(ROWS):
            at = ROWS_BYTE + row * ROW.size
            pid, _, _, waits, since_s, late_s, *_ = ROW.unpack_from(self._memory, at)
            if pid not in present or late_s:
                continue
            seconds = self._lateness_s(pid, waits, since_s)
            if seconds > deadline_s:
                struct.pack_into("<d", self._memory, at + LATE_BYTE, seconds)
                _kill(pid)

    def _lateness_s(self, pid: int, waits: int, since_s: float) -> float:
        now = time.monotonic()
        if _is_stopped(pid):
            return now - max(self._stopped.setdefault(pid, now), self._stalled)
        self._stopped.pop(pid, None)
        return 0.0 if waits else now - max(since_s, self._stalled)


def _answer(connection: socket.socket, said: bytes, *descriptors: int) -> None:
    with suppress(OSError):  # it has died meanwhile; its connection will tell
        socket.send_fds(connection, [said], descriptors)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _is_stopped(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False


def main(name: str, descriptor: str, keep_s: str) -> None:
    """Started by holding.py, in a session of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("\0" + name)
    listener.listen(64)
    Keeper(listener, int(descriptor), float(keep_s)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
