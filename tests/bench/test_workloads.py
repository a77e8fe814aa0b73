"""The workloads are the same work here and in PyTorch: what compare.py compares."""

import importlib.util
from math import prod
from pathlib import Path

import numpy as np
import pytest

from bpcore.model import Model
from worker.jobs import checks, jobfile

HERE = Path(__file__).parent
JOBS = sorted(HERE.glob("*.yaml"))


@pytest.fixture(scope="module")
def theirs():
    """Name → (model, data, global batch, loss) of torch_peer.py."""
    pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    return module("torch_peer").WORKLOADS


def module(name):
    found = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


def checked(path):
    spec, problems = jobfile.read(path)
    return checks.check(spec, HERE, problems)


def sizes(model):
    """Numbers in each trained array, sorted: names and orders of axes differ."""
    return sorted(prod(slot.shape) for slot in model.layout.slots if slot.momentum is None)


def test_there_is_a_job_for_every_workload(theirs):
    assert {path.stem for path in JOBS} == set(theirs) == set(module("compare").WORKLOADS)


@pytest.mark.parametrize("path", JOBS, ids=[path.stem for path in JOBS])
def test_a_model_has_the_parameters_of_pytorchs(theirs, path):
    model = Model(checked(path).maths)
    wanted = sorted(parameter.numel() for parameter in theirs[path.stem][0]().parameters())
    assert sizes(model) == wanted
    assert model.layout.count == sum(wanted)


@pytest.mark.parametrize("path", JOBS, ids=[path.stem for path in JOBS])
def test_a_batch_holds_as_much_as_pytorchs(theirs, path):
    job, (_, data, batch, loss) = checked(path), theirs[path.stem]
    assert (job.spec.name, job.spec.batch_size) == (path.stem, batch)
    assert (job.spec.optimizer.kind, dict(job.spec.optimizer.attributes)) == ("adam", {"learning_rate": 0.001})
    assert job.spec.loss.kind == {"cross_entropy": "softmax_cross_entropy",
                                  "binary_cross_entropy_with_logits": "sigmoid_cross_entropy"}[loss.__name__]
    ours = job.train.read(np.arange(batch))
    for array, tensor in zip((ours["x"], ours["y"]), data(batch)):
        assert array.size == tensor.numel()
        assert (array.dtype.kind == "f") == tensor.is_floating_point()
        assert array.ndim == tensor.ndim or array.dtype.kind == "i"  # PyTorch's losses want labels in a row


@pytest.mark.parametrize("path", JOBS, ids=[path.stem for path in JOBS])
def test_every_batch_of_an_epoch_is_full(path):
    job = checked(path)
    assert len(job.train) % job.spec.batch_size == 0
