"""The table of proofs in bpcore/README.md: a row for everything registered, the worst error of every witness.

1. Tests leave errors as properties named `ROW COLUMN`, such as `layers.conv2d float64` (conftest.py's `note`);
   `pytest tests/bpcore tests/parity --write-table` writes the table from those of the whole run.
2. A cell without an error says why there can be none; one that has no such reason is not written.
"""

from collections.abc import Iterable, Mapping

from bpcore.catalogue import FAMILIES, plural

START, END = "<!-- proofs: written by pytest tests/bpcore tests/parity --write-table -->\n", "<!-- end of proofs -->\n"
COLUMNS = ("gradient", "float64", "float32", "50 steps", "ONNX")
UNEXPORTED = "– not exported"
# Why a column cannot apply to a family.
REASONS = {
    "losses": {"ONNX": UNEXPORTED},
    "metrics": {"gradient": "– has none", "50 steps": "– trains nothing", "ONNX": UNEXPORTED},
    "optimizers": {"gradient": "– has none", "ONNX": UNEXPORTED},
    "schedules": {"gradient": "– has none", "float32": "– a Python float", "ONNX": UNEXPORTED},
    "initializers": {"gradient": "– has none", "50 steps": "– before training", "ONNX": UNEXPORTED},
    "models": {"gradient": "– its parts'", "float32": "– 50 steps", "ONNX": "– its layers'"},
}
Found = dict[str, dict[str, float | set[str]]]


def gathered(properties: Iterable[tuple[str, object]]) -> Found:
    """Row → column → the worst error; and under `witness` who they are."""
    found: Found = {}
    for name, value in properties:
        row, _, column = name.partition(" ")
        cells = found.setdefault(row, {"witness": set()})
        if column.startswith("witness "):
            cells["witness"].add(value)
        else:
            cells[column] = max(float(value), cells.get(column, 0.0))
    return found


def rows(models: Iterable[str]) -> dict[str, list[str]]:
    """Family → the rows that the table must have."""
    return {plural(family): sorted(family.types) for family in FAMILIES} | {"models": sorted(models)}


def markdown(found: Found, models: Iterable[str]) -> str:
    """A table a family. Raises KeyError for a cell with neither error nor reason."""
    parts = []
    for family, names in rows(models).items():
        parts.append("\n".join([f"### {family.capitalize()}", "", "| name | witness | " + " | ".join(COLUMNS) + " |", "|---" * 7 + "|",
                                *(_line(family, name, found[f"{family}.{name}"]) for name in names)]))
    return "\n\n".join(parts) + "\n"


def _line(family: str, name: str, cells: Mapping) -> str:
    witnesses = ", ".join(sorted(cells["witness"] - {"onnxruntime"}))
    return " | ".join(["", f"`{name}`", witnesses, *(_cell(family, column, cells) for column in COLUMNS), ""]).strip()


def _cell(family: str, column: str, cells: Mapping) -> str:
    if "distribution" in cells and column in ("float64", "float32"):
        return f"– drawn: distance {cells['distribution']:.1e}" if column == "float64" else "– rounded float64"
    return number(cells[column]) if column in cells else REASONS[family][column]


def number(error: float) -> str:
    return f"{error:.1e}" if error else "0"


def cells(text: str) -> dict[str, dict[str, str]]:
    """Row → column → cell, of a table that `markdown` wrote."""
    found, family = {}, ""
    for line in text.splitlines():
        if line.startswith("### "):
            family = line.removeprefix("### ").lower()
        elif line.startswith("| `"):
            name, *rest = (part.strip() for part in line.strip("|").split("|"))
            found[f"{family}.{name.strip('`')}"] = dict(zip(("witness", *COLUMNS), rest, strict=True))
    return found


def between(readme: str) -> tuple[str, str, str]:
    """(what stands before the table, the table, what stands behind)."""
    before, _, rest = readme.partition(START)
    inside, _, behind = rest.partition(END)
    return before, inside, behind
