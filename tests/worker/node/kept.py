"""A keeper, a real process at its real socket, as ranks meet it."""

import os
import socket
import subprocess
import sys
import time

import numpy as np

from worker.node import keeper
from worker.node.memory import Segment

SIZE = 1 << 16


class Kept:
    """A keeper, its memory, and connections to it."""

    def __init__(self, name, keep_s):
        self.run, self.segment, self.connections = name, Segment.new(SIZE), []
        self.name = f"bptrain-{os.geteuid()}-{name}"
        self.process = subprocess.Popen([sys.executable, "-I", "-S", keeper.__file__, self.name, str(self.segment.descriptor), str(keep_s)],
                                        pass_fds=[self.segment.descriptor])

    def connect(self, attempt=None):
        """As a rank does; with an attempt it has asked for the memory."""
        deadline = time.monotonic() + 30
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                connection.connect("\0" + self.name)
                break
            except OSError:
                connection.close()
                assert time.monotonic() < deadline and self.process.poll() is None
                time.sleep(0.01)
        connection.settimeout(10)
        self.connections.append(connection)
        if attempt is not None:
            connection.send(b"attempt %d" % attempt)
        return connection

    def deadline(self, seconds):
        self.segment.array(keeper.DEADLINE_BYTE, 1, np.float64)[0] = seconds

    def late_s(self, row):
        return self.segment.array(keeper.ROWS_BYTE + row * keeper.ROW.size + keeper.LATE_BYTE, 1, np.float64)[0]

    def close(self):
        for connection in self.connections:
            connection.close()
        self.process.kill()
        self.process.wait()


def memory(connection):
    """The memory that the keeper hands out; None where it refuses."""
    said, descriptors, _, _ = socket.recv_fds(connection, 64, 1)
    return Segment(descriptors[0], SIZE) if descriptors else None
