"""Whole models: jobs of deploy/jobs on two MPI ranks draw the curve that PyTorch draws in one process.

Each is written by hand in PyTorch (witnesses/models, a file a job), starts from the job's own weights, and
gets the same batches in the same order. The jobs run as they stand, for fewer epochs; every step's loss is
compared. A batch is cut into shards in PyTorch, too, since a norm's statistics are those of a shard.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from witnesses import training

from bpcore import Model
from bpcore.transfer import match
from worker.jobs import checks, jobfile, specs
from worker.jobs.job import Job
from worker.record import journal
from worker.shards import cut

JOBS = Path(__file__).parents[2] / "deploy" / "jobs"
MODELS = sorted(path.stem for path in (Path(__file__).parent / "witnesses" / "models").glob("*.py"))
STEPS = 50
each_model = pytest.mark.parametrize("name", MODELS)


@dataclass(frozen=True)
class Short:
    """A job with as many epochs as it takes for the steps. `file`: for a rank; `job`: checked."""

    file: Path
    job: Job

    def shards(self, step):
        """The batches of a step, a shard each."""
        schedule = self.job.schedule
        order = schedule.order(schedule.epoch(step))
        return [self.job.train.read(order[part]) for part in cut(schedule.batch(step), self.job.spec.logical_shards)]

    @property
    def start(self):
        return Model(self.job.maths).initialize(self.job.spec.seed)


@pytest.fixture
def short(tmp_path):
    def write(name):
        plain, file = yaml.safe_load((JOBS / f"{name}.yaml").read_text()), tmp_path / f"{name}.yaml"
        for plain["epochs"] in range(1, STEPS):
            file.write_text(yaml.safe_dump(plain))
            job = checks.check(specs.for_ranks(jobfile.read(file)[0], 2), tmp_path)
            if job.schedule.total_steps >= STEPS:
                return Short(file, job)

    return write


def by_torch(torch, name, short, dtype):
    """The losses of PyTorch, on one thread of one process."""
    twin, total = importlib.import_module(f"witnesses.models.{name}"), short.job.schedule.total_steps
    net = twin.Net()
    hand_over(short, net, twin.NAMES)
    net = net.to(dtype)
    optimizer, scheduler = twin.optimizer(net, total)

    def loss(step):
        batches = [{field: torch.from_numpy(array) for field, array in shard.items()} for shard in short.shards(step)]
        batches = [{field: x.to(dtype) if x.is_floating_point() else x for field, x in batch.items()} for batch in batches]
        sums, counts = zip(*map(net.loss, batches))
        return sum(sums) / sum(counts)

    clip = (lambda: torch.nn.utils.clip_grad_norm_(net.parameters(), twin.CLIP)) if hasattr(twin, "CLIP") else None
    return list(training.theirs(loss, optimizer, total, scheduler, clip=clip))


def hand_over(short, net, names):
    """Writes the job's initial weights into PyTorch's memory, found by the names and axes that `start:` goes by."""
    found = match(short.job.maths.graph, {name: tensor.numpy() for name, tensor in net.state_dict().items()}, names, torch=True)
    assert (found.missing, found.problems) == ([], [])
    assert all(name.endswith("num_batches_tracked") for name in found.unused)
    for name, array in short.start.named().items():
        found.arrays[name][...] = array


def losses(folder):
    """Every step's, as rank 0 wrote it down."""
    return [value for report in journal.read(folder / "journal") for column in report.points.columns
            if column.series == "loss" for value in column.values]


def error(found, wanted):
    assert len(found) == len(wanted) >= STEPS
    return np.max(np.abs(np.subtract(found, wanted)) / np.abs(wanted))


@each_model
def test_a_model_on_two_ranks_draws_pytorchs_curve(torch, mpirun, short, tmp_path, name, note):
    given = short(name)
    done = mpirun(2, "-m", "worker", given.file, "--run-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    note(name, "50 steps", error(losses(tmp_path / "run"), by_torch(torch, name, given, torch.float32)))


@each_model
def test_in_float64_the_curves_are_one(torch, short, name, note):
    """So that what is left above is the rounding of float32."""
    given = short(name)
    schedule = given.job.schedule
    ours = training.ours(given.job.maths, given.start.flat, map(given.shards, range(schedule.total_steps)), schedule.total_steps,
                         schedule.steps_per_epoch, np.float64, given.job.spec.seed)
    note(name, "float64", error(list(ours), by_torch(torch, name, given, torch.float64)))
