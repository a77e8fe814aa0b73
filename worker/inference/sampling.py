"""Text that a model of what comes next writes behind each epoch, for people to see what it has learned.

1. Rank 0 alone writes, with the parameters that evaluation uses; who waits for it is not late, and no bit of the training changes.
2. The same draws behind each epoch, by the job's seed: what differs comes of what was learned.
3. What it needs is checked when the job is handed in (writing.py), but for whether the model looks ahead: that is tried before the first step.
"""

from bpcore.arena import Vector
from bpcore.errors import InvalidInput
from bpcore.model import Model
from bptrain.v1.report_pb2 import Sample
from worker.comm.watch import Watch
from worker.inference.generating import Writer
from worker.inference.predicting import Predictor
from worker.jobs.job import Job


class Sampler:
    def __init__(self, job: Job, model: Model):
        self._job, self._model, self._asked = job, model, job.spec.sample

    def try_out(self, parameters: Vector) -> None:
        """Raises InvalidInput for a model whose outputs come of what is behind them, too."""
        try:
            Writer.tried(self._predictor(0, parameters))
        except InvalidInput as error:
            raise InvalidInput([problem.under("sample") for problem in error.problems]) from None

    def written(self, step: int, parameters: Vector, watch: Watch) -> Sample:
        """`step`: steps done. `watch` is told of every unit."""
        writer, asked, found = Writer(self._predictor(step, parameters)), self._asked, []
        for unit in writer.units(asked.prompt, asked.length, asked.temperature, self._job.spec.seed):
            found.append(unit)
            watch.goes_on()
        return Sample(step=step, prompt=asked.prompt, text=writer.alphabet.decoded(found))

    def _predictor(self, step: int, parameters: Vector) -> Predictor:
        return Predictor(self._job.spec, self._model, parameters, self._job.learned(), step)
