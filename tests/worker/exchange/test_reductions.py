"""What holds for every way to sum gradients, in real jobs under mpirun."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml

from worker.exchange import REDUCTIONS

ROOT = Path(__file__).parents[3]

# One a file, and the attributes that matter; a new reduction needs a line here.
CASES = {
    "exact": [{}],
    "fast": [{}, {"wire": "float16"}, {"wire": "bfloat16"}],
    "top_k": [{"share": 0.1}],
    "power_sgd": [{"rank": 4}],
    "local_sgd": [{"every": 2, "learning_rate": 0.1}],
}
EACH = [pytest.param({kind: attributes}, id="-".join([kind, *map(str, attributes.values())]))
        for kind, cases in CASES.items() for attributes in cases]


def test_every_reduction_has_a_case():
    assert CASES.keys() == REDUCTIONS.types.keys()


@pytest.fixture
def printed(mpirun):
    """`printed(job, ranks, folder)`: what rank 0 says."""

    def run(job, ranks, folder="run"):
        done = mpirun(ranks, "-m", "worker", job, "--run-dir", folder, timeout_s=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def digits():
    """Keys that make the job that of deploy/jobs/digits.yaml, shorter and with larger steps."""
    return yaml.safe_load((ROOT / "deploy" / "jobs" / "digits.yaml").read_text()) | {"epochs": 12, "optimizer": {"adam": {"learning_rate": 0.003}}}


@pytest.mark.slow
@pytest.mark.parametrize("reduction", EACH)
def test_it_learns_digits(printed, tmp_path, job_file, digits, reduction):
    """On two ranks that share no memory, of which one has more shards than the other."""
    job = job_file(**digits | {"reduction": reduction, "shared_memory": False, "logical_shards": 5})
    accuracy = [float(each) for each in re.findall(r"eval_accuracy (\S+)", printed(job, 2))]
    assert len(accuracy) == 12 and accuracy[-1] >= 0.97


@pytest.mark.slow
def test_shares_may_be_uneven(mpirun, tmp_path, job):
    """Seven shards on three ranks, and a last batch of two samples: two ranks have none of it. All ways one after the other,
    so that one start does for all; the ranks compare their parameters at each end."""
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=draw.normal(size=(50, 6)), y=draw.integers(0, 4, 50))
    layers = [{"linear": {"units": 32}}, "batch_norm", "relu", {"linear": {"units": 4}}]
    for case in EACH:
        for shared_memory in (True, False):
            spec = job(data={"train": {"npz": {"path": "data.npz"}}}, model={"input": [6], "layers": layers}, batch_size=12, epochs=3,
                       logical_shards=7, reduction=case.values[0], shared_memory=shared_memory)
            (tmp_path / f"{case.id}{'' if shared_memory else '-apart'}.job").write_text(yaml.safe_dump(spec))
    done = mpirun(3, ROOT / "tests" / "mpi" / "train_all.py", "runs", timeout_s=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("completed at step 15") == 2 * len(EACH)
    for kind, cases in CASES.items():
        warned = done.stdout.count(f"reduction {kind}: the bits depend on the number of ranks")
        assert warned == (0 if REDUCTIONS.get(kind).same_bits else 2 * len(cases)), kind


@pytest.mark.parametrize("kind", [kind for kind in CASES if REDUCTIONS.get(kind).same_bits])
def test_those_that_promise_it_give_the_same_bits_on_any_number_of_ranks(printed, job_file, kind):
    job = job_file(reduction={kind: CASES[kind][0]}, logical_shards=4, epochs=1)
    digests = {re.search(r"sha256:\w+", printed(job, ranks, f"run-{ranks}"))[0] for ranks in (1, 3)}
    assert len(digests) == 1


@pytest.mark.parametrize("kind", CASES)
def test_an_unknown_attribute_is_named_with_those_there_are(refused, kind):
    known = ", ".join(sorted(field.name for field in fields(REDUCTIONS.get(kind)))) or "none"
    problem, = refused(lambda: REDUCTIONS.build({kind: {"speed": 9}}))
    assert problem == f'{kind}.speed: unknown attribute "speed"; known: {known}'


def test_an_unknown_reduction_is_named_with_those_there_are(refused):
    problem, = refused(lambda: REDUCTIONS.build("fsat"))
    assert problem == 'unknown reduction "fsat"; did you mean fast? known: exact, fast, local_sgd, power_sgd, top_k'


@pytest.mark.parametrize(("reduction", "text"), [
    ({"fast": {"wire": "int8"}}, 'fast.wire: expected one of float32, float16, bfloat16, got "int8"'),
    ({"power_sgd": {"rank": 0}}, "power_sgd.rank: expected a positive integer, got 0"),
    ({"local_sgd": {"every": 0}}, "local_sgd.every: expected a positive integer, got 0"),
])
def test_an_attribute_that_does_not_fit(refused, reduction, text):
    assert refused(lambda: REDUCTIONS.build(reduction)) == [text]
