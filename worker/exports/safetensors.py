"""safetensors: `node.parameter` → array."""

from safetensors.numpy import save

from bpcore.arena import Vector
from bpcore.model import Model


def convert(model: Model, parameters: Vector) -> bytes:
    return save(parameters.named())
