"""drives: what a car's sensors say over a second, and where the car is in the next two; simulated with a bicycle model.

x: (past, 6), a row each tenth of a second, the newest last: place (2) in metres and heading in radians as seen from the newest
row, speed in 10 m/s, yaw rate in rad/s, acceleration in 10 m/s²; all with noise. y: (2 · ahead,): in metres, how far the car's
places in the next `ahead` tenths of a second are from those that constant velocity says, which is the newest row's speed along
its heading. So an answer of 0 is constant velocity's, and `relative_rmse` compares with it.

The car: ẋ = v cos θ, ẏ = v sin θ, θ̇ = v tan δ / L, v̇ = a, with the wheelbase L = 2.7 m. Steering δ and acceleration a drift
towards values of their own, as a driver's do. Source: Rajamani, "Vehicle dynamics and control", 2012, section 2.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, integer, number
from worker.datasets import Arrays, DataRoot, Dataset, Format

STEP_S, WHEELBASE_M, SUBSTEPS = 0.1, 2.7, 5
NOISE = np.array([0.2, 0.2, 0.01, 0.02, 0.01, 0.02])  # of x's columns, in their units


@dataclass(frozen=True)
class Drives(Format):
    samples: int = integer(1000, minimum=1)
    past: int = integer(10, minimum=2)
    ahead: int = integer(20, minimum=1)
    noise: float = number(1.0, minimum=0)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        random = rng.stream(self.seed, rng.SPLIT, 0 if self.split == "train" else 1)
        states = _driven(random, self.samples, self.past + self.ahead)
        seen = _turned(states, states[:, self.past - 1])
        x = seen[:, :self.past] + self.noise * NOISE * random.standard_normal((self.samples, self.past, 6))
        speed, heading = 10 * x[:, -1, 3], x[:, -1, 2]
        along = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * speed[:, None]
        forecast = along[:, None] * STEP_S * np.arange(1, self.ahead + 1)[:, None]
        y = seen[:, self.past:, :2] - forecast
        return Arrays({"x": x.astype(np.float32), "y": y.reshape(self.samples, -1).astype(np.float32)})


def _driven(random: np.random.Generator, cars: int, steps: int) -> np.ndarray:
    """Place, heading, speed, yaw rate and acceleration, (cars, steps, 6), in metres, radians and seconds."""
    place, heading, speed = np.zeros((cars, 2)), np.zeros(cars), random.uniform(3, 20, cars)
    most = np.minimum(0.4, 4 * WHEELBASE_M / speed**2)  # a lateral acceleration of at most 4 m/s²
    steering, wanted_steering = most * random.uniform(-1, 1, (2, cars))
    acceleration, wanted_acceleration = random.uniform(-3, 2, (2, cars))
    dt, states = STEP_S / SUBSTEPS, []
    for i in range(steps * SUBSTEPS):
        steering += dt * (wanted_steering - steering)
        acceleration += dt * (wanted_acceleration - acceleration)
        yaw_rate = speed * np.tan(steering) / WHEELBASE_M
        if i % SUBSTEPS == 0:
            states.append(np.stack([*place.T, heading, speed, yaw_rate, acceleration], axis=-1))
        place = place + dt * speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
        heading, speed = heading + dt * yaw_rate, np.maximum(speed + dt * acceleration, 0)
    return np.stack(states, axis=1)


def _turned(states: np.ndarray, now: np.ndarray) -> np.ndarray:
    """As seen from where the car is now, in the units of x."""
    cos, sin = np.cos(now[:, None, 2]), np.sin(now[:, None, 2])
    aside = states[..., :2] - now[:, None, :2]
    forward, left = cos * aside[..., 0] + sin * aside[..., 1], cos * aside[..., 1] - sin * aside[..., 0]
    return np.stack([forward, left, states[..., 2] - now[:, None, 2], states[..., 3] / 10, states[..., 4], states[..., 5] / 10], axis=-1)
