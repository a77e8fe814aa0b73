"""No name leads out of the folder."""

import os

import pytest

from coordinator.views import files
from coordinator.views.files import opened


@pytest.fixture
def root(tmp_path):
    """A folder with a file in a folder, and a secret beside it."""
    (tmp_path / "root" / "inner").mkdir(parents=True)
    (tmp_path / "root" / "inner" / "file").write_text("content")
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "root"


def test_a_file_below_the_folder_is_opened(root):
    with opened(root, "inner/file") as file:
        assert file.read() == b"content"


@pytest.mark.parametrize("name", [
    "", ".", "..", "/", "../secret", "inner/../../secret", "/etc/passwd", "inner/./file", "inner//file", "inner/file/", "inner", "nothing",
    "inner/nothing", "inner/file/x", "inner/file\0", "\0", "a" * 300, "inner\\..\\..\\secret", "%2e%2e/secret", "..%2fsecret"])
def test_what_is_no_file_below_the_folder_is_not_there(root, name):
    with pytest.raises(OSError), opened(root, name):
        pass


@pytest.mark.parametrize(("link", "name"), [("link", "link"), ("folder", "folder/secret"), ("inner/link", "inner/link")])
def test_links_are_not_followed(root, link, name):
    (root / link).symlink_to(root.parent if link == "folder" else root.parent / "secret")
    with pytest.raises(OSError), opened(root, name):
        pass


def test_a_pipe_is_no_file_and_nobody_waits_for_it(root):
    os.mkfifo(root / "pipe")
    with pytest.raises(OSError), opened(root, "pipe"):
        pass


@pytest.mark.parametrize("name", ["inner", "inner/file"])
def test_what_is_hidden_is_not_there_any_more_and_then_is_nowhere(root, name):
    files.hide(root, name)
    assert not (root / name).exists() and (root / name).with_name(f".{name.rpartition('/')[2]}").exists()
    files.remove_hidden(root, name)
    files.remove_hidden(root, name)  # nothing is left of it
    assert [path.name for path in root.rglob("*")] == (["inner"] if name == "inner/file" else [])


@pytest.mark.parametrize("name", ["nothing", "../secret", "link/secret", "", "inner/nothing"])
def test_what_is_not_below_the_folder_cannot_be_hidden(root, name):
    (root / "link").symlink_to(root.parent)
    with pytest.raises(OSError):
        files.hide(root, name)
    assert (root.parent / "secret").read_text() == "secret"


def test_a_link_is_removed_and_not_what_it_leads_to(root):
    (root / ".link").symlink_to(root.parent)
    files.remove_hidden(root, "link")
    assert (root.parent / "secret").exists() and not (root / ".link").is_symlink()


def test_nothing_stays_open(root):
    before = len(os.listdir("/proc/self/fd"))
    for name in ("inner/file", "inner/nothing", "inner", "nothing/file"):
        try:
            with opened(root, name):
                pass
        except OSError:
            pass
    assert len(os.listdir("/proc/self/fd")) == before
