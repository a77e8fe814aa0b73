"""A small job that plays tic-tac-toe."""

import pytest

from worker.jobs import checks, jobfile


@pytest.fixture
def playing():
    """`playing(batch_size=…, …)`: the job as plain data, with some keys replaced."""

    def make(environment=None, **replaced):
        layers = [{"flatten": {}, "inputs": ["board"]}, {"linear": {"units": 16}}, {"tanh": {}, "name": "seen"},
                  {"linear": {"units": 9}}, {"add": {}, "inputs": ["linear_3", "forbidden"], "name": "policy"},
                  {"linear": {"units": 1}, "inputs": ["seen"], "name": "value"}]
        losses = [{"loss": {"policy_gradient": {"form": "ppo"}}, "output": "policy", "metrics": ["episode_return"]},
                  {"loss": "mse", "output": "value", "target": "returns"}]
        usual = {"environments": 4, "steps": 15, "passes": 2, "episodes": 6}
        plain = {"name": "playing", "data": {"environment": environment or {"tic_tac_toe": usual}}, "losses": losses,
                 "model": {"inputs": {"board": {"shape": [3, 3, 2], "field": "x"}, "forbidden": {"shape": [9]}}, "layers": layers},
                 "optimizer": {"adam": {"learning_rate": 0.01}}, "batch_size": 36, "epochs": 2, "seed": 3, "ranks": 1, "logical_shards": 3,
                 "recovery": {"keep_s": 1}}
        return plain | replaced

    return make


@pytest.fixture
def checked_playing(playing, tmp_path):
    """The same, parsed and checked."""

    def check(*environment, **replaced):
        spec, problems = jobfile.parse(playing(*environment, **replaced))
        return checks.check(spec, tmp_path, problems)

    return check
