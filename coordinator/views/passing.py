"""Which lines of a log somebody wants to see."""

import re2

from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.log_service_pb2 import LogFilter, LogLine

LONGEST = 1000  # characters of an expression
MOST_STEPS = 500  # instructions of a compiled one: a line takes at most so many times its length


class Passing:
    """Whether a line passes the filter. Raises InvalidInput for an expression that is none, or too large."""

    def __init__(self, chosen: LogFilter):
        self._chosen, self._ranks = chosen, set(chosen.ranks)
        self._expression = compiled(chosen.match) if chosen.match else None

    def __call__(self, line: LogLine) -> bool:
        return ((not self._ranks or line.HasField("rank") and line.rank in self._ranks)
                and line.level >= self._chosen.level and self._chosen.contains in line.text
                and (self._expression is None or self._expression.search(line.text) is not None))


def compiled(expression: str):
    """By RE2, which never goes back in the text: there is no expression that takes it more than linear time."""
    options = re2.Options()
    options.log_errors, options.max_mem = False, 1 << 20
    try:
        found = re2.compile(expression[:LONGEST], options)
    except re2.error as error:
        raise _refusal(f"a regular expression of RE2 ({error.args[0].decode()})", expression) from None
    if len(expression) > LONGEST or found.programsize > MOST_STEPS:
        raise _refusal(f"a smaller regular expression, of at most {LONGEST} characters and {MOST_STEPS} instructions", expression)
    return found


def _refusal(wanted: str, expression: str) -> InvalidInput:
    return InvalidInput([Problem("filter.match", expected(wanted, expression[:LONGEST]))])
