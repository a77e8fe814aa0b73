"""A model as a player: the head of the loss policy_gradient scores actions, that of a loss on the field `returns` says what a
situation is worth."""

import numpy as np

from bpcore.arena import Vector
from bpcore.errors import Problem, expected
from bpcore.fields import Batch
from bpcore.losses.policy_gradient import PolicyGradient
from bpcore.model import Model
from bpcore.numerics.logits import log_softmax
from bpcore.shapes import describe
from bpcore.spec import Head, Spec

ANSWERS, RETURNS = "y", "returns"  # the fields that losses compare with


class Player:
    def __init__(self, model: Model):
        self._model = model
        self._policy, self._value = _policies(model.spec)[0], _values(model.spec)[0]

    def look(self, parameters: Vector, seen: Batch) -> tuple[np.ndarray, np.ndarray]:
        """(each action's log-probability, float64 (n, actions); the values, float64 (n,))."""
        outputs = self._model.outputs(parameters, seen)
        return log_softmax(outputs[self._policy].astype(np.float64)), outputs[self._value].astype(np.float64).reshape(-1)


def drawn(log_p: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(an action for each row of log-probabilities, its log-probability). draws: (n,) uniform in [0, 1)."""
    below = np.exp(log_p).cumsum(axis=-1)
    actions = (below > draws[:, None] * below[:, -1:]).argmax(axis=-1)
    return actions, log_p[np.arange(len(actions)), actions]


def problems(spec: Spec, actions: int) -> list[Problem]:
    """What keeps a model from being a player in an environment of so many actions."""
    policies, values = _policies(spec), _values(spec)
    wanted = {"with policy_gradient": policies, "with target: returns, of the value of a situation": values}
    if missing := [Problem("losses", expected(f"one loss {what}, as data.environment is given", len(found)))
                   for what, found in wanted.items() if len(found) != 1]:
        return missing
    policy, value = spec.heads[policies[0]], spec.heads[values[0]]
    found = []
    if spec.output(policy) != (actions,):
        wants = f"the layer it reads to end in ({actions},), a score for each action of the environment"
        found.append(Problem(_place(policies[0]), expected(wants, describe(spec.output(policy)))))
    if policy.target != ANSWERS:
        found.append(Problem(f"{_place(policies[0])}.target", expected("y, the field with actions and advantages", policy.target)))
    if spec.output(value) not in ((1,), ()):
        found.append(Problem(_place(values[0]), expected("the layer it reads to end in (1,), the value of a situation", describe(spec.output(value)))))
    return found


def policy(spec: Spec) -> Head:
    return spec.heads[_policies(spec)[0]]


def _policies(spec: Spec) -> list[int]:
    return [i for i, head in enumerate(spec.heads) if isinstance(head.loss, PolicyGradient)]


def _values(spec: Spec) -> list[int]:
    return [i for i, head in enumerate(spec.heads) if head.target == RETURNS]


def _place(head: int) -> str:
    return f"losses[{head}]"
