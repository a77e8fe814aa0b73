"""What bpcore registers, a second time: PyTorch's own where there is one, else the formula of the paper.

1. Everything is in our order of axes and under our names of parameters; a witness turns what PyTorch wants.
2. A witness uses nothing of bpcore but a component's attributes.
3. `layers`, `losses`, `optimizers`: by name; `models`: whole jobs of deploy/jobs; `training`: what runs them.
"""

# What the suite holds every error to; the columns of the table in bpcore/README.md (tests/parity/table.py).
BOUNDS = {"gradient": 1e-7, "float64": 1e-9, "float32": 1e-5, "50 steps": 1e-4, "ONNX": 1e-5}
# Of what is drawn, the distance of two distribution functions: 1.95 √(2 / n) for n = 180,000 numbers each is
# passed by chance once in a thousand (Smirnov 1948); the seeds are fixed.
BOUNDS["distribution"] = 1.95 * (2 / 180_000) ** 0.5


def row(thing) -> str:
    """`layers.conv2d` for an instance of that layer, or its class: what the table calls it; `models.tagger` for a job."""
    if isinstance(thing, str):
        return f"models.{thing}"
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__module__.removeprefix("bpcore.")
