"""One suite for every data format, over the registry: a format without a case here fails it."""

import importlib.util
import json

import numpy as np
import pytest

from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot, Format
from worker.datasets.synthetic import TASKS
from worker.sources.split import Source

# Format → components to open. Files are those of the `root` fixture.
CASES = {
    "idx": [{"idx": {"images": "idx/images.gz", "labels": "idx/labels", "split": "train"}}, {"idx": {"images": "idx/images.gz", "scale": False}}],
    "concat": [{"concat": {"of": [{"npz": {"path": "labels.npz"}}, {"synthetic": {"task": "classes", "shape": [4], "samples": 9}}]}}],
    "csv": [{"csv": {"path": "table.csv", "target": "y"}}, {"csv": {"path": "table.csv", "target": ["a", "b"], "group": "y", "split": "train", "test_fraction": 0.5}}],
    "image_boxes": [{"image_boxes": {"path": "pictures", "boxes": "boxes.tsv", "grid": 2, "color": "gray"}}],
    "image_masks": [{"image_masks": {"path": "pictures", "masks": "masks"}}, {"image_masks": {"path": "pictures", "masks": "masks", "size": [4, 8]}}],
    "jsonl": [{"jsonl": {"path": "some.jsonl"}}],
    "parquet": [{"parquet": {"path": "table.parquet", "target": "y"}}, {"parquet": {"path": "table.parquet", "target": "a", "weight": "b"}}],
    "ratings": [{"ratings": {"path": "ratings.csv"}}],
    "windows": [{"windows": {"path": "table.parquet", "length": 3}},
                {"windows": {"path": "table.csv", "length": 2, "horizon": 2, "inputs": ["a", "b"], "target": "b"}}],
    "images": [{"images": {"path": "images", "color": "gray"}}, {"images": {"path": "images", "size": [3, 4]}}],
    "text": [{"text": {"path": "text", "length": 16}}, {"text": {"path": "text", "task": "class", "per": "line", "unit": "words"}},
             {"text": {"path": "pairs.tsv", "task": "pairs", "length": 7, "unit": "bytes"}}],
    "wav": [{"wav": {"path": "wav", "seconds": 0.5, "rate": 8000}}, {"wav": {"path": "wav", "seconds": 0.5, "rate": 8000, "features": "samples"}},
            {"wav": {"path": "wav", "transcripts": "wav.tsv", "seconds": 0.5, "rate": 8000, "features": "mfcc"}}],
    "npy": [{"npy": {"path": "arrays"}}, {"npy": {"path": "arrays/x.npy"}}],
    "npz": [{"npz": {"path": "labels.npz"}}, {"npz": {"path": "sub/values.npz"}}],
    "docstrings": [{"docstrings": {"length": 20, "samples": 30, "split": split}} for split in ("train", "test")],
    "drives": [{"drives": {"samples": 20}}, {"drives": {"samples": 12, "past": 4, "ahead": 3, "noise": 0, "split": "test"}}],
    "numerals": [{"numerals": {"samples": 30, "split": split}} for split in ("train", "test")],
    "packages": [{"packages": {"length": 10, "vocabulary": 50, "samples": 40, "split": split}} for split in ("train", "test")],
    "roads": [{"roads": {"samples": 12}}, {"roads": {"samples": 9, "height": 20, "width": 30, "noise": 0, "split": "test"}}],
    "scenes": [{"scenes": {"samples": 12}}, {"scenes": {"samples": 9, "most": 1, "noise": 0, "split": "test"}}],
    "synthetic": [{"synthetic": {"task": task, "samples": 20}} for task in TASKS],
    "sklearn": [{"sklearn": {"name": name}} for name in ("breast_cancer", "diabetes", "digits", "iris", "wine")],
}
NEEDS = {"images": "PIL", "image_masks": "PIL", "image_boxes": "PIL", "wav": "soundfile"} | dict.fromkeys(
    ("csv", "parquet", "ratings", "windows"), "pyarrow")  # format → library


def marks(name):
    missing = name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None
    return [pytest.mark.skipif(missing, reason=f"needs {NEEDS.get(name)}: pip install 'bptrain[formats]'")]


ALL = [pytest.param(component, id=f"{name}-{i}", marks=marks(name)) for name, components in CASES.items() for i, component in enumerate(components)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder, draw = tmp_path_factory.mktemp("root"), np.random.default_rng(1)
    (folder / "sub").mkdir()
    np.savez(folder / "labels.npz", x=draw.normal(size=(30, 4)), y=draw.integers(0, 3, 30))
    np.savez(folder / "sub" / "values.npz", a=draw.normal(size=(11, 3, 2)), b=draw.normal(size=(11, 2)))
    (folder / "arrays").mkdir()
    np.save(folder / "arrays" / "x.npy", draw.normal(size=(13, 4)))
    np.save(folder / "arrays" / "y.npy", draw.integers(0, 3, 13))
    files.write_all(folder)
    return DataRoot(folder)


@pytest.fixture
def opened(root):
    return lambda component: FORMATS.build(component).open(root)


def test_every_format_has_a_case():
    assert set(CASES) == set(FORMATS.types)


@pytest.mark.parametrize("name", CASES)
def test_a_format_is_a_frozen_dataclass_named_in_its_docstring(name):
    kind = FORMATS.types[name]
    assert issubclass(kind, Format) and vars(kind)["__dataclass_params__"].frozen
    assert __import__(kind.__module__, fromlist=["x"]).__doc__.startswith(f"{name}: ")


@pytest.mark.parametrize("component", ALL)
def test_samples_have_the_shape_and_type_that_it_says(opened, component):
    data = opened(component)
    batch = data.read(np.arange(len(data)))
    assert batch.keys() == data.fields.keys()
    for name, field in data.fields.items():
        assert batch[name].shape == (len(data), *field.shape)
        assert np.issubdtype(batch[name].dtype, np.integer) if field.integer else batch[name].dtype == np.float32


@pytest.mark.parametrize("component", ALL)
def test_labels_are_below_the_number_of_classes_that_it_says(opened, component):
    data = opened(component)
    for name, array in data.read(np.arange(len(data))).items():
        field = data.fields[name]
        if field.integer:
            assert field.lowest <= array.min() and array.max() < field.classes
        else:
            assert (field.lowest, field.classes) == (0, 0)


@pytest.mark.parametrize("component", ALL)
def test_indices_are_read_in_the_order_given(opened, component):
    data = opened(component)
    whole, chosen = data.read(np.arange(len(data))), np.array([6, 0, 6, len(data) - 1, 3])
    for name, array in data.read(chosen).items():
        assert array.tobytes() == whole[name][chosen].tobytes()


@pytest.mark.parametrize("component", ALL)
def test_an_empty_selection_is_an_empty_batch(opened, component):
    data = opened(component)
    for name, array in data.read(np.empty(0, np.int64)).items():
        assert array.shape == (0, *data.fields[name].shape)


@pytest.mark.parametrize("component", ALL)
def test_what_is_read_can_be_overwritten_without_harm(opened, component):
    data = opened(component)
    indices = np.arange(3)
    for name, before in data.read(indices).items():
        data.read(indices)[name][...] = 7
        assert data.read(indices)[name].tobytes() == before.tobytes()


@pytest.mark.parametrize("component", ALL)
def test_all_samples_are_finite(opened, component):
    data = opened(component)
    assert all(np.isfinite(array).all() for array in data.read(np.arange(len(data))).values())


@pytest.mark.parametrize("component", ALL)
def test_what_it_has_learned_makes_the_same_samples_again(opened, root, component):
    """It is kept as JSON, and held-out data is opened with it."""
    data = opened(component)
    again = FORMATS.build(component).open_with(root, json.loads(json.dumps(data.learned)))
    assert (again.fields, again.learned, len(again)) == (data.fields, data.learned, len(data))
    for name, array in again.read(np.arange(len(data))).items():
        assert array.tobytes() == data.read(np.arange(len(data)))[name].tobytes()


@pytest.mark.parametrize("component", ALL)
def test_train_and_test_are_all_samples_together(root, component):
    (kind, attributes), = component.items()
    if not issubclass(FORMATS.types[kind], Source) or attributes.get("task", "next") == "next" and kind == "text" or kind == "windows":
        pytest.skip("cannot be split, or not here: texts are split by pieces of 4 KiB, windows are not across a border")
    parts = [FORMATS.build({kind: attributes | {"split": split}}).open(root) for split in ("train", "test", "all")]
    assert len(parts[0]) + len(parts[1]) == len(parts[2])


def test_an_unknown_format_answers_with_all_known_ones(refused):
    assert refused(lambda: FORMATS.build("npzz")) == ['unknown data format "npzz"; did you mean npz? known: ' + ", ".join(sorted(FORMATS.types))]
