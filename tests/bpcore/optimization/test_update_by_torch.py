"""The update against PyTorch's, where it has the same step."""

from dataclasses import dataclass

import numpy as np
import pytest

from bpcore.optimization.regularization import Clipping, Group, Regularization
from bpcore.optimization.update import AVERAGE, Pace
from bpcore.optimizers.sgd import Sgd
from tests.bpcore.updates import DTYPES, STATISTICS, Trained, drawn, spec


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    torch.set_num_threads(1)  # arrays are small: waking a second thread takes longer than the work
    return torch


def clipped_by_us(clipping, dtype):
    """With a learning rate of 1, from p = 0: what was taken away is the clipped gradient."""
    ours = Trained(spec(Sgd(1.0), clipping=clipping), {name: 0 * array for name, array in drawn(0).items()}, dtype)
    ours.step(Pace(1, 1.0, 1), drawn(1))
    return {name: -array for name, array in ours.arrays().items() if name not in STATISTICS}


@DTYPES
@pytest.mark.parametrize("limit", [0.01, 1.0, 50.0, 1000.0])
@pytest.mark.parametrize("kind", ["value", "norm", "global_norm"])
def test_clipping_is_pytorchs(torch, kind, limit, dtype):
    """PyTorch adds 1e-6 to a norm before it divides by it: that is how close the two can be."""
    ours = clipped_by_us(Clipping(**{kind: limit}), dtype)
    theirs = {name: torch.nn.Parameter(torch.zeros(array.shape, dtype=torch.float64)) for name, array in ours.items()}
    for name, parameter in theirs.items():
        parameter.grad = torch.tensor(drawn(1)[name])
    if kind == "value":
        torch.nn.utils.clip_grad_value_(theirs.values(), limit)
    elif kind == "global_norm":
        torch.nn.utils.clip_grad_norm_(theirs.values(), limit)
    else:
        for parameter in theirs.values():
            torch.nn.utils.clip_grad_norm_([parameter], limit)
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name].grad.numpy(), rtol=2e-6, atol=1e-12)


@dataclass
class ByTorch:
    """Fifty steps of PyTorch with groups, a frozen stem, clipping, and an exponential moving average."""

    torch: object
    decay: float

    def train(self, steps):
        torch = self.torch
        p = torch.nn.ParameterDict({name.replace(".", "_"): torch.nn.Parameter(torch.tensor(array))
                                    for name, array in drawn(0).items() if name not in STATISTICS})
        p["stem_weight"].requires_grad = False
        rates = {"stem_bias": 0.01, "norm_scale": 0.1, "head_weight": 0.1, "head_bias": 0.2}
        optimizer = torch.optim.SGD([{"params": [p[name]], "lr": rate, "weight_decay": 0.0 if name.endswith("bias") else 0.05}
                                     for name, rate in rates.items()], momentum=0.9)
        average = torch.optim.swa_utils.AveragedModel(p, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(self.decay))
        for step in range(1, steps + 1):
            for name, array in drawn(step).items():
                if name.replace(".", "_") in rates:
                    p[name.replace(".", "_")].grad = torch.tensor(array) / 8
            torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
            optimizer.step()
            average.update_parameters(p)
        return p, average.module


@DTYPES
def test_fifty_steps_with_groups_clipping_and_an_average_are_pytorchs(torch, dtype):
    theirs, their_average = ByTorch(torch, 0.95).train(50)
    ours = Trained(spec(Sgd(0.1, momentum=0.9), clipping=Clipping(global_norm=1.0), average=0.95,
                        regularization=Regularization(l2=0.05, exclude=("*.bias",)),
                        groups=(Group("stem.weight", frozen=True), Group("stem.bias", 0.1), Group("head.bias", 2.0))), drawn(0), dtype)
    for step in range(1, 51):
        ours.step(Pace(step, 8.0, 8), drawn(step))
    for vector, wanted in ((ours.p, theirs), (ours.state[AVERAGE], their_average)):
        for name, array in ours.arrays(vector).items():
            if name not in STATISTICS:
                np.testing.assert_allclose(array, wanted[name.replace(".", "_")].detach().numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
