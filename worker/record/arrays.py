"""Writes arrays as a safetensors file, straight from where they lie: no copy of them is made, and other threads go on.

The format (github.com/huggingface/safetensors): the length of a header, the header in JSON, then the arrays' bits,
little-endian, one behind the other.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ALIGNMENT_BYTES = 8
AT_A_TIME_BYTES = 4 << 20


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Makes the file last, too. `arrays`: float32, contiguous. Returns its SHA-256. Raises OSError."""
    sha = hashlib.sha256()
    with open(path, "wb") as file:
        for content in (_header(arrays), *(array.reshape(-1).view(np.uint8).data for array in arrays.values())):
            for start in range(0, len(content), AT_A_TIME_BYTES):
                part = content[start:start + AT_A_TIME_BYTES]
                sha.update(part)
                file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return sha.hexdigest()


def _header(arrays: Mapping[str, np.ndarray]) -> bytes:
    entries, place = {}, 0
    for name, array in arrays.items():
        entries[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [place, place + array.nbytes]}
        place += array.nbytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT_BYTES)
    return len(text).to_bytes(8, "little") + text
