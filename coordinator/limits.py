"""How much may come in, so that no caller takes the coordinator from the others."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`queued`: jobs that wait. `streams`: open at once, of all callers together. `message_bytes`: of one request."""

    queued: int = 1000
    streams: int = 256
    message_bytes: int = 4 << 20
