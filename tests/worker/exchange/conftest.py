"""Exchanges of made-up gradients on real ranks (ranks.py)."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from worker.shards import assign

SCRIPT = Path(__file__).with_name("ranks.py")


@dataclass(frozen=True)
class Exchanged:
    """`totals`: what each step gave, (steps, size), the same on all ranks; `sums`: the sums of its gradients, and
    `magnitudes` those of their absolute values, float64."""

    totals: np.ndarray
    sums: np.ndarray
    magnitudes: np.ndarray


@pytest.fixture(scope="session")
def ranks():
    """The module ranks.py."""
    spec = importlib.util.spec_from_file_location("ranks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def exchanged(mpirun: Callable, ranks) -> Callable[..., list[Exchanged]]:
    """`exchanged({"nodes": [[0, 1], [2]], "reduction": "fast", …}, …)`: what each case of ranks.py gave. Without `held_by`
    five shards, evenly; without `counts` one step. All ranks of a case must get the same bits."""

    def run(*cases: dict) -> list[Exchanged]:
        whole = [_with_defaults(case) for case in cases]
        found: list[Exchanged | None] = [None] * len(cases)
        for size in {len(case["held_by"]) for case in whole}:
            chosen = [i for i, case in enumerate(whole) if len(case["held_by"]) == size]
            done = mpirun(size, SCRIPT, json.dumps([whole[i] for i in chosen]))
            assert done.returncode == 0, done.stderr
            for i, told in zip(chosen, zip(*json.loads(done.stdout))):
                assert all(other == told[0] for other in told), f"ranks differ: {cases[i]}"
                found[i] = _exchanged(whole[i], told[0], ranks.gradient_of)
        return found

    return run


def _with_defaults(case: dict) -> dict:
    return {"counts": [1], "held_by": [list(part) for part in assign(5, sum(map(len, case["nodes"])))]} | case


def _exchanged(case: dict, bits: list[str], gradient_of: Callable) -> Exchanged:
    totals = np.array([np.frombuffer(bytes.fromhex(each), np.float32) for each in bits])
    held = [shard for each in case["held_by"] for shard in each]
    gradients = np.array([[gradient_of(case, step, shard) for shard in held] for step in range(len(bits))], np.float64)
    return Exchanged(totals, gradients.sum(axis=1), np.abs(gradients).sum(axis=1))
