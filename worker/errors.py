"""What a run can die of, beside bad input.

    BptrainError
    ├── InvalidInput     (bpcore)  the job file or the data                      exit code 2
    ├── Unavailable                something around the job is missing or busy   exit code 3
    ├── BadSample                  one sample cannot be had                      exit code 1
    └── TrainingFailed             the training itself cannot go on              exit code 1
"""

from bpcore.errors import BptrainError, InvalidInput


class Unavailable(BptrainError):
    """A program, folder, port or service that the job needs cannot be had."""


class BadSample(BptrainError):
    """A truncated image, a file that has changed: named by file, and row where there are rows. `advice`: what to do."""

    def __init__(self, text: str, advice: str = "mend it, or leave such samples out: on_bad: skip"):
        super().__init__(text)
        self.advice = advice

    @property
    def advised(self) -> str:
        return f"{self}; {self.advice}"


class TrainingFailed(BptrainError):
    """For instance a loss that is no longer a finite number."""


def exit_code(error: BptrainError) -> int:
    return {InvalidInput: 2, Unavailable: 3}.get(_family(error), 1)


def _family(error: BptrainError) -> type | None:
    return next((kind for kind in (InvalidInput, Unavailable) if isinstance(error, kind)), None)
