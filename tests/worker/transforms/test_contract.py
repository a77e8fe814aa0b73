"""One suite for every transform, over the registry: a transform without a case here fails it."""

import json

import numpy as np
import pytest

from worker.data.transformed import Chain, Transformed, Varied
from worker.datasets import Arrays
from worker.transforms import TRANSFORMS, Random, Transform

DRAW = np.random.default_rng(0)
DATA = Arrays({"x": DRAW.random((40, 8, 6, 3)).astype(np.float32), "row": DRAW.normal(3, 2, (40, 5)), "frames": DRAW.normal(size=(40, 12, 4)),
               "mask": DRAW.integers(0, 3, (40, 8, 6)), "y": np.arange(40) % 4, "bytes": DRAW.integers(0, 256, (40, 3)).astype(np.uint8)})

# Transform → lists of transforms to apply.
CASES = {
    "class_weight": [["class_weight"], [{"class_weight": {"field": "y", "into": "w"}}]],
    "colour": [[{"colour": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.5}}]],
    "crop": [[{"crop": {"shift": 2, "also": ["mask"]}}]],
    "cutout": [[{"cutout": {"size_px": [4, 2]}}]],
    "flip": [[{"flip": {"also": ["mask"]}}], [{"flip": {"axis": "vertical", "probability": 1}}]],
    "frequency_mask": [[{"frequency_mask": {"field": "frames", "length": 2, "count": 2}}]],
    "min_max": [[{"min_max": {"field": "row", "low": -1}}], [{"min_max": {"field": "bytes", "per": "all"}}], [{"min_max": {"per": "channel"}}]],
    "mixup": [[{"one_hot": {"field": "y"}}, "mixup"], ["standardise", {"mixup": {"fields": ["x"]}}]],
    "noise": [[{"noise": {"field": "row", "stddev": 0.5}}]],
    "one_hot": [[{"one_hot": {"field": "y"}}], [{"one_hot": {"field": "y", "into": "row"}}]],
    "rotate": [[{"rotate": {"degrees": 30, "also": ["mask"]}}]],
    "standardise": [["standardise"], [{"standardise": {"field": "bytes", "per": "all"}}], [{"standardise": {"field": "frames", "per": "channel"}}]],
    "time_mask": [[{"time_mask": {"field": "frames", "length": 4}}]],
}
ALL = [pytest.param(components, id=f"{name}-{i}") for name, cases in CASES.items() for i, components in enumerate(cases)]
WHOLE = np.arange(40)


def chain(components, data=DATA, seed=5, learned=None):
    return Chain([TRANSFORMS.build(each) for each in components], data, seed, learned)


def is_random(components):
    return any(isinstance(TRANSFORMS.build(each), Random) for each in components)


def same(one, other):
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_every_transform_has_a_case():
    assert set(CASES) == set(TRANSFORMS.types)


@pytest.mark.parametrize("name", CASES)
def test_a_transform_is_a_frozen_dataclass_named_in_its_docstring(name):
    kind = TRANSFORMS.types[name]
    assert issubclass(kind, Transform) and vars(kind)["__dataclass_params__"].frozen
    assert __import__(kind.__module__, fromlist=["x"]).__doc__.startswith(f"{name}: ")


@pytest.mark.parametrize("components", ALL)
@pytest.mark.parametrize("kind", [Transformed, Varied])
def test_what_comes_out_is_what_it_says(components, kind):
    data = kind(DATA, chain(components))
    batch = data.read(WHOLE)
    assert batch.keys() == data.fields.keys() and len(data) == 40
    for name, field in data.fields.items():
        assert batch[name].shape == (40, *field.shape)
        assert np.issubdtype(batch[name].dtype, np.integer) if field.integer else batch[name].dtype == np.float32
        assert np.isfinite(batch[name]).all()


@pytest.mark.parametrize("components", ALL)
def test_a_sample_does_not_depend_on_those_read_with_it(components):
    data = Varied(DATA, chain(components)).of_epoch(3)
    whole, parts = data.read(WHOLE), [data.read(np.array([i])) for i in (7, 31, 0)]
    for index, single in zip((7, 31, 0), parts):
        assert same({name: array[[index]] for name, array in whole.items()}, single)


@pytest.mark.parametrize("components", ALL)
def test_random_ones_differ_from_epoch_to_epoch_and_seed_to_seed_and_repeat(components):
    first, again, later, other = (Varied(DATA, chain(components, seed=seed)).of_epoch(epoch).read(WHOLE) for seed, epoch in
                                  ((5, 0), (5, 0), (5, 1), (6, 0)))
    always = components == [{"flip": {"axis": "vertical", "probability": 1}}]
    assert same(first, again)
    assert same(first, later) == same(first, other) == (always or not is_random(components))


@pytest.mark.parametrize("components", ALL)
def test_held_out_data_is_not_changed_at_random(components):
    fixed = [each for each in components if not is_random([each])]
    assert same(Transformed(DATA, chain(components)).read(WHOLE), Transformed(DATA, chain(fixed)).read(WHOLE))


@pytest.mark.parametrize("components", ALL)
def test_what_is_learned_is_json_and_of_the_training_data_alone(components):
    first = chain(components)
    kept = json.loads(json.dumps(first.learned))
    others = Arrays({name: array[:10] for name, array in DATA.read(WHOLE).items()})
    again = Transformed(others, chain(components, others, learned=kept)).read(np.arange(10))
    assert same(again, {name: array[:10] for name, array in Transformed(DATA, first).read(WHOLE).items()})


@pytest.mark.parametrize("components", ALL)
def test_what_comes_in_is_not_written_to(components):
    before = DATA.read(WHOLE)
    frozen = {name: array.copy() for name, array in before.items()}

    class Same(Arrays):
        def read(self, indices):
            return before if len(indices) == 40 else super().read(indices)

    data = Same(frozen)
    Varied(data, chain(components, data)).read(WHOLE)
    assert same(before, frozen)


@pytest.mark.parametrize(("components", "text"), [
    ([{"standardise": {"field": "z"}}], '[0].standardise.field: unknown field "z"; known: bytes, frames, mask, row, x, y'),
    (["standardise", {"flip": {"field": "row"}}], "[1].flip.field: expected pictures (height, width, channels), got [5]"),
    ([{"flip": {"also": ["row", "q"]}}], '[0].flip.also: unknown field "q"; known: bytes, frames, mask, row, x, y'),
    ([{"flip": {"also": ["row"]}}], "[0].flip.also: expected a field of [8, 6], as the pictures have it, got [5]"),
    (["mixup"], '[0].mixup.fields: expected fields of numbers, got "integers in y"; put one_hot: {field: y} before it'),
    ([{"one_hot": {"field": "mask"}}], '[0].one_hot.field: expected one integer a sample, got "[8, 6] integers"'),
    ([{"one_hot": {"field": "y"}}, {"one_hot": {"field": "y"}}], '[1].one_hot.field: expected one integer a sample, got "[4] numbers"'),
    ([{"one_hot": {"field": "y", "into": "x"}}], "[0].one_hot.into: expected a field of numbers (k,), got [8, 6, 3]"),
    ([{"noise": {"field": "y", "stddev": 1}}], '[0].noise.field: expected a field of numbers, got "integers in y"'),
    ([{"time_mask": {"field": "y", "length": 1}}], "[0].time_mask.field: expected frames (frames, bands), got []"),
    ([{"frequency_mask": {"length": 1}}], "[0].frequency_mask.field: expected frames (frames, bands), got [8, 6, 3]"),
])
def test_data_that_it_cannot_be_done_to_is_refused(refused, components, text):
    assert text in refused(lambda: chain(components))
