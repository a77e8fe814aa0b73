"""One catalogue: each refusal in it is used, each one used is in it, with everything its sentence needs."""

import ast
import re
from pathlib import Path
from string import Formatter

import grpc
import pytest

from bpcore.errors import InvalidInput, Problem
from coordinator import errors
from coordinator.errors import CATALOGUE, Refusal, exit_code
from worker.errors import TrainingFailed, Unavailable

PACKAGE = Path(errors.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py")) if path.name != "errors.py"}


def refusals():
    """(reason, names of the metadata) of every `Refusal("REASON", …)` in the sources."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value, [keyword.arg for keyword in node.keywords]


def strings():
    """Every string in the sources."""
    return {node.value for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("reason", CATALOGUE)
def test_a_status_is_one_of_grpc(reason):
    assert CATALOGUE[reason].status in grpc.StatusCode.__members__
    assert CATALOGUE[reason].status != "OK"


@pytest.mark.parametrize("reason", CATALOGUE)
def test_an_entry_is_used(reason):
    assert reason in strings()


@pytest.mark.parametrize(("reason", "metadata"), list(refusals()), ids=str)
def test_a_refusal_is_in_the_catalogue_and_fills_its_sentence(reason, metadata):
    assert placeholders(CATALOGUE[reason].sentence) <= set(metadata)


def test_there_are_refusals_to_look_at():
    assert len(list(refusals())) >= 6


@pytest.mark.parametrize("reason", CATALOGUE)
def test_a_sentence_is_one_line_without_a_full_stop(reason):
    assert re.fullmatch(r"[a-z][^\n]*[^.\n]", CATALOGUE[reason].sentence)


@pytest.mark.parametrize("reason", CATALOGUE)
def test_a_refusal_ends_the_command_with_its_exit_code(reason):
    refusal = Refusal(reason, **dict.fromkeys(placeholders(CATALOGUE[reason].sentence), "x"))
    assert exit_code(refusal) == CATALOGUE[reason].exit_code
    assert CATALOGUE[reason].exit_code in (1, 2, 3)


@pytest.mark.parametrize(("error", "code"), [
    (InvalidInput([Problem("epochs", "missing")]), 2), (Unavailable("no mpirun"), 3), (TrainingFailed("diverged"), 1)])
def test_the_other_errors_keep_the_exit_codes_of_the_worker(error, code):
    assert exit_code(error) == code


def test_metadata_is_text():
    assert Refusal("ATTEMPT_FENCED", job="a", attempt=3).metadata == {"job": "a", "attempt": "3"}


def test_a_reason_that_is_not_in_the_catalogue_cannot_be_raised():
    with pytest.raises(KeyError):
        Refusal("NO_SUCH_REASON")


def test_the_readme_has_the_table_as_it_is():
    """If not: python -c 'from coordinator.errors import table; print(*table(), sep="\\n")'"""
    written = [line for line in (PACKAGE / "README.md").read_text().splitlines() if line.startswith("|")]
    assert written == list(errors.table())
