"""constant: factor 1."""

from dataclasses import dataclass

from bpcore.schedules import Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    def shape(self, clock):
        return 1.0

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(warmup=5)
