"""JAX on the workloads of this folder where it is at its best: one process, all cores, one compiled step with Optax's Adam.

    python jax_peer.py keras_mlp [--seconds 6]

Models, data and batches are torch_peer.py's; prints the same line of JSON. Workloads that it has not, it refuses.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

VOCABULARY = 96
WINDOWS = 7
WARM_STEPS = 5

draw = np.random.default_rng(0)


def normal(*shape, fan_in):
    return jnp.asarray(draw.standard_normal(shape).astype(np.float32) / np.sqrt(fan_in))


def linear(inputs, outputs):
    return normal(inputs, outputs, fan_in=inputs), jnp.zeros(outputs)


def affine(layer, x):
    weight, bias = layer
    return x @ weight + bias


def mlp(*sizes):
    def forward(layers, x):
        for layer in layers[:-1]:
            x = jax.nn.relu(affine(layer, x))
        return affine(layers[-1], x)

    return [linear(*pair) for pair in zip(sizes, sizes[1:])], forward


def lenet():
    def convolved(weight, x):
        x = jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jax.lax.reduce_window(jax.nn.relu(x), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def forward(layers, x):
        x = convolved(layers["conv2"], convolved(layers["conv1"], x)).reshape(len(x), -1)
        return affine(layers["linear2"], jax.nn.relu(affine(layers["linear1"], x)))

    return {"conv1": normal(3, 3, 1, 32, fan_in=9), "conv2": normal(3, 3, 32, 64, fan_in=288),
            "linear1": linear(3136, 128), "linear2": linear(128, 10)}, forward


def char_lstm(features=128, units=256):
    def cell(weight, state, gates):
        hidden, memory = state
        enter, forget, leave, new = jnp.split(gates + hidden @ weight, 4, -1)
        memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(enter) * jnp.tanh(new)
        hidden = jax.nn.sigmoid(leave) * jnp.tanh(memory)
        return (hidden, memory), hidden

    def forward(layers, ids):
        gates = affine(layers["input"], layers["embedding"][ids]).swapaxes(0, 1)
        start = jnp.zeros((len(ids), units))
        _, hidden = jax.lax.scan(lambda state, now: cell(layers["hidden"], state, now), (start, start), gates)
        return affine(layers["out"], hidden.swapaxes(0, 1))

    return {"embedding": normal(VOCABULARY, features, fan_in=1), "input": linear(features, 4 * units),
            "hidden": normal(units, 4 * units, fan_in=units), "out": linear(units, VOCABULARY)}, forward


def numbers(*shape, classes=10):
    return lambda n: (draw.standard_normal((n, *shape)).astype(np.float32), draw.integers(0, classes, n))


def yes_no(features):
    return lambda n: (draw.standard_normal((n, features)).astype(np.float32), draw.integers(0, 2, (n, 1)).astype(np.float32))


def text(length):
    return lambda n: (draw.integers(0, VOCABULARY, (n, length)), draw.integers(0, VOCABULARY, (n, length)))


# Name: (model, data(samples), batch, loss).
WORKLOADS = {
    "keras_mlp": (lambda: mlp(10, 64, 32, 1), yes_no(10), 32, optax.sigmoid_binary_cross_entropy),
    "mnist_mlp": (lambda: mlp(784, 512, 256, 10), numbers(784), 128, optax.softmax_cross_entropy_with_integer_labels),
    "wide_mlp": (lambda: mlp(1024, 4096, 4096, 1000), numbers(1024, classes=1000), 256, optax.softmax_cross_entropy_with_integer_labels),
    "lenet": (lenet, numbers(28, 28, 1), 128, optax.softmax_cross_entropy_with_integer_labels),
    "char_lstm": (char_lstm, text(64), 64, optax.softmax_cross_entropy_with_integer_labels),
}


class Trainer:
    """On eight batches in turn."""

    def __init__(self, workload):
        make, data, batch, loss = WORKLOADS[workload]
        self.parameters, forward = make()
        optimizer = optax.adam(1e-3)
        self.state = optimizer.init(self.parameters)
        self.batches = [data(batch) for _ in range(8)]

        def step(parameters, state, x, y):
            value, gradient = jax.value_and_grad(lambda p: loss(forward(p, x), y).mean())(parameters)
            update, state = optimizer.update(gradient, state, parameters)
            return optax.apply_updates(parameters, update), state, value

        self.step = jax.jit(step, donate_argnums=(0, 1))

    def seconds(self, steps):
        began = time.perf_counter()
        for i in range(steps):
            self.parameters, self.state, value = self.step(self.parameters, self.state, *self.batches[i % 8])
        value.block_until_ready()
        return time.perf_counter() - began


def peak_rss_bytes():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def main():
    parser = argparse.ArgumentParser(description="JAX's throughput on a workload of this folder.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=6, metavar="S", help="how long to measure (default: 6)")
    chosen = parser.parse_args()
    trainer, batch = Trainer(chosen.workload), WORKLOADS[chosen.workload][2]
    trainer.seconds(WARM_STEPS)
    steps = max(1, int(chosen.seconds / WINDOWS / trainer.seconds(1)))
    rates = [steps * batch / trainer.seconds(steps) for _ in range(WINDOWS)]
    print(json.dumps({"workload": chosen.workload, "world": 1, "global_batch": batch,
                      "samples_s": round(statistics.median(rates), 1), "min": round(min(rates), 1), "max": round(max(rates), 1),
                      "rss_bytes": peak_rss_bytes(), "version": jax.__version__}), flush=True)


if __name__ == "__main__":
    main()
