"""What a run can die of, and the exit status of each."""

import pytest

from bpcore.errors import BptrainError, InvalidInput, ShapeError
from worker.errors import TrainingFailed, Unavailable, exit_code


@pytest.mark.parametrize(("error", "code"), [
    (InvalidInput([]), 2), (ShapeError("x"), 2), (Unavailable("x"), 3), (TrainingFailed("x"), 1), (BptrainError("x"), 1),
])
def test_each_family_has_its_exit_status(error, code):
    assert exit_code(error) == code


@pytest.mark.parametrize("kind", [Unavailable, TrainingFailed])
def test_all_are_raised_on_purpose(kind):
    assert issubclass(kind, BptrainError)
    assert not issubclass(kind, InvalidInput)
