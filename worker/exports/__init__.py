"""Trained models for other programs, one format a file.

`convert` gives the file's bytes. Formats are found by the output's suffix.
"""

import importlib
from collections.abc import Callable

from bpcore.arena import Vector
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.model import Model

FORMATS = {".onnx": "onnx", ".safetensors": "safetensors"}


def converter(suffix: str) -> Callable[[Model, Vector], bytes]:
    """The function for files that end in `suffix`. Raises InvalidInput for an unknown one."""
    if suffix not in FORMATS:
        raise InvalidInput([Problem("output", expected("a file that ends in " + " or ".join(sorted(FORMATS)), suffix))])
    return importlib.import_module(f"{__name__}.{FORMATS[suffix]}").convert
