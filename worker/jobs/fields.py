"""Fields of a job that say by themselves, or beside each other, whether they can be."""

import functools
import re
from datetime import UTC, datetime
from math import inf

from bpcore.errors import Problem, expected
from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import folds

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HIGHEST_PRIORITY = 100
MOST_LABELS = 32
NOT_SHARDABLE = "BATCH_NOT_SHARDABLE"  # the reason of a problem


def number_problems(spec: JobSpec) -> list[Problem]:
    found = []
    if not NAME.fullmatch(spec.name):
        found.append(Problem("name", expected("1 to 64 letters, digits, '.', '_' or '-'", spec.name)))
    for field in ("batch_size", "epochs"):
        if getattr(spec, field) < 1:
            found.append(Problem(field, "expected a positive integer, but it is missing or 0"))
    if 0 < spec.batch_size < spec.ranks:
        found.append(Problem("ranks", expected(f"at most batch_size = {spec.batch_size}", spec.ranks, "every rank needs a sample a step"), NOT_SHARDABLE))
    elif 0 < spec.batch_size < spec.logical_shards:
        found.append(Problem("logical_shards", expected(f"at most batch_size = {spec.batch_size}", spec.logical_shards), NOT_SHARDABLE))
    if spec.logical_shards < spec.ranks:
        found.append(Problem("ranks", expected(f"at most logical_shards = {spec.logical_shards}", spec.ranks,
                                               "more shards than ranks are fine, fewer are not")))
    return found + folds.problems(spec) + service_problems(spec)


def service_problems(spec: JobSpec) -> list[Problem]:
    """What is wrong with the fields that only a coordinator reads."""
    found = []
    if spec.priority > HIGHEST_PRIORITY:
        found.append(Problem("priority", expected(f"1 to {HIGHEST_PRIORITY}", spec.priority)))
    if len(spec.labels) > MOST_LABELS:
        found.append(Problem("labels", expected(f"at most {MOST_LABELS}", len(spec.labels))))
    for word in sorted({word for pair in spec.labels.items() for word in pair if not NAME.fullmatch(word)}):
        found.append(Problem("labels", expected("keys and values of 1 to 64 letters, digits, '.', '_' or '-'", word)))
    if spec.deadline and deadline(spec) is None:
        found.append(Problem("deadline", expected("a time such as 2026-11-22T08:00:00Z", spec.deadline)))
    for field in ("time_limit_s", "retry.wait_s", "retry.factor"):
        value = functools.reduce(getattr, field.split("."), spec)
        if not 0 <= value < inf:
            found.append(Problem(field, expected("a number of at least 0", value)))
    if spec.retry.times and 0 < spec.retry.factor < 1:
        found.append(Problem("retry.factor", expected("a number of at least 1", spec.retry.factor)))
    return found


def deadline(spec: JobSpec) -> float | None:
    """In Unix seconds, infinite where there is none; None for what is no time. Without a zone it is in UTC."""
    if not spec.deadline:
        return inf
    try:
        when = datetime.fromisoformat(spec.deadline)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
