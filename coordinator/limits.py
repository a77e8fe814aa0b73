"""How much may come in, so that no caller takes the coordinator from the others, and how long things are kept."""

from dataclasses import dataclass

LARGEST_PAGE = 1000  # jobs
LONGEST_WAIT_S = 600.0  # of one WaitJob


@dataclass(frozen=True)
class Limits:
    """`queued`: jobs that wait. `streams`: open at once, of all callers together. `message_bytes`: of one request.
    `token_queued`, `token_slots`, `token_streams`: jobs that wait, slots in use and streams open, of one token; 0 for any.
    `deleted_s`: how long deleted jobs are kept; `audit_s`, `audit_records`: how long the audit trail is, at most, in time and records."""

    queued: int = 1000
    streams: int = 256
    message_bytes: int = 4 << 20
    token_queued: int = 0
    token_slots: int = 0
    token_streams: int = 0
    deleted_s: float = 7 * 86_400
    audit_s: float = 400 * 86_400
    audit_records: int = 1_000_000
