"""The backprop core: a job's mathematics on NumPy.

Plain dict → checked spec → graph of layers → model over one flat arena. This package knows no files,
clocks, processes, network or messages; workers and the coordinator both use it.
"""

from bpcore.errors import BptrainError, InvalidInput, Problem
from bpcore.model import Model
from bpcore.spec import Spec, parse

__all__ = ["BptrainError", "InvalidInput", "Model", "Problem", "Spec", "parse"]
