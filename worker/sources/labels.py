"""Classes by folder: FOLDER/CLASS/…/file. Their numbers follow from the names in the training data."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bpcore.errors import InvalidInput, Problem, expected
from worker.datasets import DataRoot


def by_folder(root: DataRoot, name: str, suffixes: Collection[str], may_lack: bool = False) -> tuple[list[Path], list[str]]:
    """(files, the class of each; none where they `may_lack` one and all stand in the folder itself). Raises InvalidInput for a
    class without a file, and a file without a class."""
    if may_lack and not root.is_folder(name):
        return root.files(name, suffixes), []
    folder = root.folder(name)
    paths = root.files(name, suffixes)
    classes = [path.relative_to(folder).parts[0] for path in paths]
    loose = [path for path in paths if path.parent == folder]
    if may_lack and len(loose) == len(paths):
        return paths, []
    empty = sorted({each.name for each in folder.iterdir() if each.is_dir()} - set(classes))
    problems = [Problem("path", expected("files in folders named like their classes", root.name(loose[0])))] if loose else []
    problems += [Problem("path", f'expected at least one file in each class, but "{each}" has none') for each in empty]
    if problems:
        raise InvalidInput(problems)
    return paths, classes


def classes(names: Collection[str], learned: Mapping[str, Any]) -> list[str]:
    """The names of all classes, in the order of their numbers. Raises InvalidInput for one that is not in the training
    data."""
    known = learned.get("classes", sorted(set(names)))
    strange = sorted(set(names) - set(known))
    if strange:
        raise InvalidInput([Problem("path", expected(f"classes of the training data ({', '.join(known)})", strange[0]))])
    return known
