"""concat: several data sets as one."""

import numpy as np
import pytest

from worker.datasets import FORMATS, DataRoot


@pytest.fixture
def opened(tmp_path):
    return lambda *parts: FORMATS.build({"concat": {"of": list(parts)}}).open(DataRoot(tmp_path))


def test_samples_come_in_order_also_across_sets(tmp_path, npz, opened):
    data = opened({"npz": {"path": npz("a.npz", 5)}}, {"npz": {"path": npz("b.npz", 7)}})
    x = np.concatenate([np.load(tmp_path / name)["x"] for name in ("a.npz", "b.npz")])
    assert len(data) == 12 and (data.read(np.array([11, 0, 4, 5]))["x"] == x[[11, 0, 4, 5]]).all()


def test_sets_with_other_fields_are_refused(npz, opened, refused):
    first, other = {"npz": {"path": npz("a.npz", 5)}}, {"npz": {"path": npz("b.npz", x=np.zeros((5, 3)), y=np.arange(5))}}
    assert refused(lambda: opened(first, other)) == ['of[1]: expected the fields of the first one, x [4], y [] integers, got "x [3], y [] integers"']


def test_later_sets_use_what_the_first_has_learned(tmp_path, opened, refused):
    for name, lines in (("a", "b\tx y\na\tz\n"), ("b", "a\tz\n"), ("c", "c\tz\n")):
        (tmp_path / f"{name}.txt").write_text(lines)
    a, b, c = ({"text": {"path": f"{name}.txt", "task": "class", "length": 4}} for name in "abc")
    assert opened(a, b).read(np.arange(3))["y"].tolist() == [1, 0, 0]
    assert refused(lambda: opened(a, c)) == ['of[1].path: expected classes of the training data (a, b), got "c"']


@pytest.mark.parametrize(("of", "text"), [
    ([], "concat.of: expected a list of data sets, got []"),
    (["mpz", {"npz": {}}], 'concat.of.[0]: unknown data format "mpz"'),
])
def test_a_list_that_does_not_fit(refused, of, text):
    assert refused(lambda: FORMATS.build({"concat": {"of": of}}))[0].startswith(text)
