"""The table of proofs in bpcore/README.md: a row for everything registered, and nothing taken on trust.

Errors differ a little from machine to machine, so the table is held to the bounds, and to having the rows, the
cells and the witnesses that a whole run finds; `--write-table` writes it anew.
"""

from pathlib import Path

import pytest
from witnesses import BOUNDS
from witnesses.table import COLUMNS, END, REASONS, START, between, cells, gathered, markdown, rows

from bpcore.layers import LAYERS

HERE = Path(__file__).parent
README = HERE.parents[1] / "bpcore" / "README.md"
MODELS = [path.stem for path in (HERE / "witnesses" / "models").glob("*.py")]
DRAWN = {"float64": "– drawn: distance ", "float32": "– rounded float64"}


def table():
    return cells(between(README.read_text())[1])


def problem(row, column, cell):
    """What is wrong with a cell: it is an error within its bound, or the reason why there is none."""
    family = row.partition(".")[0]
    if family == "initializers" and cell.startswith(DRAWN.get(column, "no")):
        distance = cell.removeprefix(DRAWN["float64"]) if column == "float64" else "0"
        return None if float(distance) <= BOUNDS["distribution"] else f"{row}: {cell}"
    if cell.startswith("–"):
        return None if cell == REASONS.get(family, {}).get(column) else f"{row}: {column} has no reason: {cell}"
    return None if float(cell) <= BOUNDS[column] else f"{row}: {column} is {cell}, allowed is {BOUNDS[column]:.0e}"


def test_the_table_is_what_a_whole_run_finds(request, mpirun):
    """This file runs after all others: see conftest.py."""
    for witness in ("torch", "onnxruntime", "sklearn"):
        pytest.importorskip(witness, reason="needs every witness: pip install 'bptrain[local,parity]'")
    ran = {item.path for item in request.session.items}
    options = request.config.option
    if options.keyword or options.markexpr not in ("", "not slow") or not ran >= {*HERE.glob("test_*.py"), *(HERE.parent / "bpcore").glob("test_*.py")}:
        pytest.skip("needs the errors of all of tests/bpcore and tests/parity: run both folders whole")
    found = markdown(gathered(noted for item in request.session.items for noted in item.user_properties), MODELS)
    before, _, behind = between(README.read_text())
    if options.write_table:
        README.write_text(before + START + found + END + behind)
    assert outline(cells(found)) == outline(table())


def outline(lines):
    """Rows, witnesses, reasons, and which cells hold an error."""
    return {row: {column: "an error" if cell[0].isdigit() or "distance" in cell else cell for column, cell in line.items()}
            for row, line in lines.items()}


def test_there_is_a_row_for_everything_registered_and_each_model():
    assert set(table()) == {f"{family}.{name}" for family, names in rows(MODELS).items() for name in names}


def test_every_error_is_within_its_bound_and_every_gap_has_its_reason():
    found = [problem(row, column, line[column]) for row, line in table().items() for column in COLUMNS]
    assert list(filter(None, found)) == []


@pytest.mark.parametrize(("row", "column", "cell"), [
    ("layers.relu", "gradient", "1.1e-07"), ("layers.relu", "float64", "2.0e-09"), ("layers.relu", "float32", "1.1e-05"),
    ("layers.relu", "50 steps", "1.1e-04"), ("layers.relu", "ONNX", "nan"), ("layers.relu", "ONNX", "– not exported"),
    ("losses.mse", "float32", "–"), ("initializers.normal", "float64", "– drawn: distance 7.0e-03"),
], ids=str)
def test_a_cell_that_proves_nothing_would_be_found(row, column, cell):
    assert problem(row, column, cell)


def test_everything_has_a_witness():
    assert [row for row, line in table().items() if not set(line["witness"].split(", ")) <= {"PyTorch", "scikit-learn", "formula"}] == []


def test_a_layer_without_an_error_stops_the_writing(monkeypatch):
    found = gathered((f"{row} {column}", 0.0) for row, line in table().items() for column in COLUMNS)
    assert cells(markdown(found, MODELS)).keys() == table().keys()
    monkeypatch.setitem(LAYERS.types, "unproven", LAYERS.types["relu"])
    with pytest.raises(KeyError, match="layers.unproven"):
        markdown(found, MODELS)
