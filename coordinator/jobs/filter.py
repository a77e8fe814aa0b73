"""The filter of ListJobs: comparisons joined by AND.

    state = RUNNING AND name != digits AND owner = alice AND label.team = "vision 2"

A small part of AIP-160 (google.aip.dev/160): fields and operators as below, values bare or in double quotes.
"""

import re
from dataclasses import dataclass

from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.job_service_pb2 import JobState

LONGEST = 1000
FIELDS = ("state", "name", "owner", "fold_of", "label.KEY")
JOB_OF_FOLD = "substr(id, 1, max(0, instr(id, '-') - 1))"  # empty for a job that is no fold of one
COMPARISON = re.compile(r'\s*([A-Za-z_][\w.-]*)\s*(!?=)\s*("[^"]*"|[^\s"=!]+)\s*')
AND = re.compile(r"AND\b")


@dataclass(frozen=True)
class Condition:
    """SQL on a row of jobs, with its values."""

    sql: str
    values: tuple[str | int, ...]


def parse(text: str) -> list[Condition]:
    """Raises InvalidInput, which names what cannot be read."""
    if len(text) > LONGEST:
        raise _problem(expected(f"at most {LONGEST} characters", len(text)))
    conditions, place = [], 0
    while text.strip() and (not conditions or place < len(text)):
        if conditions:
            place = _match(AND, text, place, "AND").end()
        found = _match(COMPARISON, text, place, f'FIELD = VALUE or FIELD != VALUE, with a field of {", ".join(FIELDS)}')
        conditions.append(_condition(*found.groups()))
        place = found.end()
    return conditions


def _match(pattern: re.Pattern, text: str, place: int, what: str) -> re.Match:
    found = pattern.match(text, place)
    if found is None:
        raise _problem(f"{expected(what, text[place:place + 40])} at character {place + 1}")
    return found


def _condition(field: str, operator: str, value: str) -> Condition:
    value = value.strip('"')
    if field == "state":
        name = f"JOB_STATE_{value.upper().removeprefix('JOB_STATE_')}"
        if name not in JobState.keys():
            raise _problem(unknown(value, [each.removeprefix("JOB_STATE_") for each in JobState.keys()[1:]], "state"))
        return Condition(f"state {operator} ?", (JobState.Value(name),))
    if field == "fold_of":
        return Condition(f"{JOB_OF_FOLD} {operator} ?", (value,))
    if field in ("name", "owner"):
        return Condition(f"{field} {operator} ?", (value,))
    if field.startswith("label."):
        has = "EXISTS (SELECT * FROM json_each(labels) WHERE key = ? AND value = ?)"
        return Condition(has if operator == "=" else f"NOT {has}", (field.removeprefix("label."), value))
    raise _problem(unknown(field, FIELDS, "field"))


def _problem(message: str) -> InvalidInput:
    return InvalidInput([Problem("filter", message)])
