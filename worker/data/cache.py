"""Where a user's caches are on this host: below $BPTRAIN_CACHE, else ~/.cache/bptrain."""

import os
from pathlib import Path


def folder(name: str) -> Path:
    """Made where it is not there. Raises OSError."""
    base = os.environ.get("BPTRAIN_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bptrain")
    place = Path(base, name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place
