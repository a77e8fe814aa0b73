"""What commands write for users is there whole, or what was there before still is."""

import os

import pytest

from coordinator.terminal import written
from worker.errors import Unavailable


def test_what_was_written_is_there_and_nothing_else(tmp_path):
    (tmp_path / "out").write_bytes(b"before")
    with written.whole(tmp_path / "out") as file:
        file.write(b"now")
        assert (tmp_path / "out").read_bytes() == b"before"
    assert (tmp_path / "out").read_bytes() == b"now" and os.listdir(tmp_path) == ["out"]


def test_what_breaks_off_leaves_what_was_there(tmp_path):
    (tmp_path / "out").write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), written.whole(tmp_path / "out") as file:
        file.write(b"no")
        raise ZeroDivisionError
    assert (tmp_path / "out").read_bytes() == b"before" and os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(("name", "why"), [("nowhere/out", "No such file or directory"), ("file/out", "Not a directory")])
def test_a_place_that_cannot_be_written_to_is_named(tmp_path, name, why):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=f"{name} cannot be written: {why}$"), written.whole(tmp_path / name) as file:
        file.write(b"x")


def test_a_full_disk_is_said_and_devices_and_links_stay_what_they_are(tmp_path):
    """/dev/full is Linux's full disk."""
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with written.whole(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "out").read_bytes() == b"x"
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="cannot be written: No space left on device$"), written.whole(tmp_path / "full") as file:
        file.write(b"x")
    assert (tmp_path / "full").is_char_device() and sorted(os.listdir(tmp_path)) == ["full", "link", "out"]
