"""one_cycle: from 1 / div_factor up to 1 and down to 1 / (div_factor · final_div_factor), in one training.

With T steps in all, the top is at step pct_start · T − 1. `anneal` is the form of each slope. With
`three_phase` the way down is first as steep as the way up, to where that began, and then on to the end.
The optimizer's learning rate is the highest one. Source: Smith & Topin, "Super-convergence: very fast
training of neural networks using large learning rates", arXiv:1708.07120 (2018), section 3, in the form
of PyTorch's OneCycleLR; the optimizer's momentum stays as it is (cycle_momentum=False there).
"""

import math
from dataclasses import dataclass

from bpcore.attributes import choice, flag, number
from bpcore.schedules import Schedule


@dataclass(frozen=True)
class OneCycle(Schedule):
    pct_start: float = number(0.3, above=0, below=1)
    div_factor: float = number(25.0, minimum=1)
    final_div_factor: float = number(10000.0, minimum=1)
    anneal: str = choice("cosine", "linear")
    three_phase: bool = flag(False)

    def shape(self, clock):
        begin, value = 0.0, 1 / self.div_factor
        for end, target in self._slopes(clock.total_steps):
            if clock.step <= end:
                break
            begin, value = end, target
        u = (clock.step - begin) / (end - begin) if end > begin else 1.0
        if self.anneal == "cosine":
            u = (1 - math.cos(math.pi * u)) / 2
        return value + (target - value) * u

    def _slopes(self, total: int) -> list[tuple[float, float]]:
        """(last step, factor there) of each slope."""
        low, top = 1 / self.div_factor, self.pct_start * total - 1
        back = [(2 * top, low)] if self.three_phase else []
        return [(top, 1.0), *back, (total - 1, low / self.final_div_factor)]

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(pct_start=0.4, div_factor=10.0, final_div_factor=100.0, anneal="linear", three_phase=True, warmup=7)
