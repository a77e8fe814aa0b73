"""PyTorch's optimizers, by class and arguments, and those it has not, line by line from their papers."""

from dataclasses import dataclass

import numpy as np


def betas(o):
    return {"betas": (o.beta1, o.beta2), "eps": o.epsilon}


# name → PyTorch's class, its arguments besides the learning rate
TORCH = {
    "sgd": ("SGD", lambda o: {"momentum": o.momentum, "nesterov": o.nesterov and o.momentum > 0}),
    "adagrad": ("Adagrad", lambda o: {"eps": o.epsilon, "initial_accumulator_value": o.initial_accumulator}),
    "adadelta": ("Adadelta", lambda o: {"rho": o.rho, "eps": o.epsilon}),
    "rmsprop": ("RMSprop", lambda o: {"alpha": o.alpha, "eps": o.epsilon, "momentum": o.momentum, "centered": o.centered}),
    "adam": ("Adam", betas),
    "amsgrad": ("Adam", lambda o: betas(o) | {"amsgrad": True}),
    "adamw": ("AdamW", lambda o: betas(o) | {"weight_decay": o.weight_decay}),
    "nadam": ("NAdam", lambda o: betas(o) | {"momentum_decay": o.momentum_decay}),
    "radam": ("RAdam", betas),
    "adamax": ("Adamax", betas),
}
DECOUPLES = ["adam", "amsgrad", "nadam", "radam"]  # PyTorch's take decoupled_weight_decay, too


@dataclass
class Lion:
    """Chen et al. 2023, algorithm 2, line by line. `unsure`: where the sign once was that of a number so near 0 that
    float32 and float64 need not agree on it."""

    o: object
    m: float = 0.0
    unsure: object = False

    def step(self, t, x, g):
        c = self.o.beta1 * self.m + (1 - self.o.beta1) * g
        self.unsure = self.unsure | (np.abs(c) < 1e-6)
        x = x - self.o.learning_rate * (np.where(c > 0, 1.0, np.where(c < 0, -1.0, 0.0)) + self.o.weight_decay * x)
        self.m = self.o.beta2 * self.m + (1 - self.o.beta2) * g
        return x


@dataclass
class LarsOf2020:
    """You et al. 2020, algorithm 1 ("LARS"), line by line, with φ(z) = τ z; λ came with the gradient. A bias goes by
    plain momentum, as in the authors' code."""

    o: object
    m: float = 0.0

    def step(self, t, x, g):
        self.m = self.o.momentum * self.m + (1 - self.o.momentum) * g
        if x.ndim == 1:
            return x - self.o.learning_rate * self.m / (1 - self.o.momentum)
        phi = self.o.trust_coefficient * np.linalg.norm(x)
        return x - self.o.learning_rate * phi / np.linalg.norm(self.m) * self.m


@dataclass
class LambOf2020:
    """You et al. 2020, algorithm 2 ("LAMB"), line by line, with φ(z) = z; a bias has no ratio, as in the authors' code."""

    o: object
    m: float = 0.0
    v: float = 0.0

    def step(self, t, x, g):
        self.m = self.o.beta1 * self.m + (1 - self.o.beta1) * g
        self.v = self.o.beta2 * self.v + (1 - self.o.beta2) * g**2
        r = self.m / (1 - self.o.beta1**t) / (np.sqrt(self.v / (1 - self.o.beta2**t)) + self.o.epsilon)
        u = r + self.o.weight_decay * x
        ratio = np.linalg.norm(x) / np.linalg.norm(u) if x.ndim > 1 else 1.0
        return x - self.o.learning_rate * ratio * u


PAPERS = {"lion": Lion, "lars": LarsOf2020, "lamb": LambOf2020}
