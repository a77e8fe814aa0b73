"""Failing together: an error on one rank becomes the same error on all, before the next collective."""

import json
from collections.abc import Callable
from typing import TypeVar

from bpcore.errors import BptrainError
from worker.comm import Comm
from worker.errors import exit_code

Result = TypeVar("Result")


class Agreed(BptrainError):
    """Some rank failed, and every rank knows: `code` is the exit status of all."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.code = code


def together(comm: Comm, work: Callable[[], Result]) -> Result:
    """`work()` of this rank. Raises Agreed on every rank when it raised BptrainError on any. Collective."""
    failure: BptrainError | None = None
    try:
        result = work()
    except BptrainError as error:
        failure = error
    mine = [exit_code(failure), str(failure)] if failure else [0, ""]
    told = [json.loads(data) for data in comm.gather_all(json.dumps([*mine, comm.host]).encode())]
    if any(code for code, _, _ in told):
        raise Agreed(max(code for code, _, _ in told), _text(told))
    return result


def require_same(comm: Comm, what: str, value: str) -> None:
    """Raises Agreed on every rank unless `value` is the same on all that have one. Rank 0 has. Collective."""
    values = [data.decode() for data in comm.gather_all(value.encode())]
    odd = [rank for rank, other in enumerate(values) if other not in ("", values[0])]
    if odd:
        raise Agreed(2, f"{what} differs between ranks: rank {odd[0]} has another than rank 0; "
                        "every host must see the same files")


def _text(told: list[tuple[int, str, str]]) -> str:
    """What went wrong, said once; with the rank where it did not go wrong on all alike."""
    texts = {text for _, text, _ in told}
    if len(texts) == 1:
        return texts.pop()
    return "\n".join(f"rank {rank} on {host}: {line}" for rank, (_, text, host) in enumerate(told) for line in text.splitlines())
