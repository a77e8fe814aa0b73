"""The folder that data may be read from: nothing outside it, and no sentence names it."""

import os

import pytest

from worker.datasets import DataRoot

INSIDE, THERE = "path: expected a path inside the data root, got ", "path: expected a file inside the data root, got "


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "data").write_text("inside")
    (tmp_path / "outside").write_text("outside")
    (tmp_path / "root-2").mkdir()
    (tmp_path / "root-2" / "data").write_text("beside")
    return folder


@pytest.mark.parametrize("name", ["sub/data", "./sub/data", "sub/../sub/data", "sub//data"])
def test_a_file_inside_is_found(root, name):
    assert DataRoot(root).file(name).read_text() == "inside"


def test_an_absolute_path_inside_is_found(root):
    assert DataRoot(root).file(str(root / "sub" / "data")).read_text() == "inside"


def test_a_link_to_the_inside_is_followed(root):
    os.symlink("sub/data", root / "link")
    assert DataRoot(root).file("link").read_text() == "inside"


def test_a_root_that_is_a_link_is_its_target(root, tmp_path):
    os.symlink(root, tmp_path / "alias")
    assert DataRoot(tmp_path / "alias").file("sub/data").read_text() == "inside"


@pytest.mark.parametrize("name", ["../outside", "sub/../../outside", "/etc/hostname", "..", "../root-2/data", "/", "../root/../outside"])
def test_a_way_out_is_refused(root, refused, name):
    assert refused(lambda: DataRoot(root).file(name)) == [f'{INSIDE}"{name}"']


@pytest.mark.parametrize("target", ["../outside", "/etc/hostname"])
def test_a_link_out_is_refused(root, refused, target):
    os.symlink(target, root / "link")
    assert refused(lambda: DataRoot(root).file("link")) == [f'{INSIDE}"link"']


@pytest.mark.parametrize("name", ["none", "sub", ".", "", "sub/data/deeper"])
def test_what_is_no_file_is_refused(root, refused, name):
    assert refused(lambda: DataRoot(root).file(name)) == [f'{THERE}"{name}"; there is none of that name']


def test_what_is_no_regular_file_is_refused(root, refused):
    """Opening a pipe would wait for ever."""
    os.mkfifo(root / "pipe")
    assert refused(lambda: DataRoot(root).file("pipe")) == [f'{THERE}"pipe"; there is none of that name']


def test_a_folder_that_is_not_there_holds_nothing(tmp_path, refused):
    assert refused(lambda: DataRoot(tmp_path / "none").file("data")) == [f'{THERE}"data"; there is none of that name']


@pytest.mark.parametrize("name", ["a\0b", "long" * 100, "loop", "\ud800"], ids=["NUL", "long", "loop", "surrogate"])
def test_a_name_that_no_file_can_have_is_refused(root, refused, name):
    os.symlink("loop", root / "loop")
    (text,) = refused(lambda: DataRoot(root).file(name))
    assert text.startswith("path: expected a ")


def test_no_sentence_names_the_folder(root, refused, tmp_path):
    assert str(tmp_path) not in "".join(refused(lambda: DataRoot(root).file("../outside")) + refused(lambda: DataRoot(root).file("none")))
