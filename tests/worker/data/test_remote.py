"""Data at URLs: copied once, named by its URL, refused where it is not allowed, not there, or of two versions."""

import contextlib
import functools
import http.server
import os
import threading

import numpy as np
import pytest

from worker.data import remote
from worker.datasets import FORMATS, DataRoot

pytest.importorskip("fsspec", reason="needs pip install 'bptrain[remote]'")
pytest.importorskip("aiohttp", reason="needs pip install 'bptrain[remote]'")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        self.server.asked.append(f"{self.command} {self.path}")


@pytest.fixture
def store(tmp_path):
    """(folder, the URL at which a real server has it, what the server was asked)."""
    folder = tmp_path / "store"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        server.asked, thread = [], threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/", server.asked
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path, store, monkeypatch):
    """`root()`: the data root, as another process sees it; its file of what is allowed has the server and a folder."""
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / remote.ALLOWED).write_text(f"{store[1]}\nfile://{store[0]}/\n")
    return lambda: DataRoot(folder)


def rows(folder, name="rows.csv", first=0):
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(first, first + 5)))


def values(root, url, kind="csv"):
    data = FORMATS.build({kind: {"path": url, **({"target": "y"} if kind == "csv" else {})}}).open(root)
    return data.read(np.arange(len(data)))["x"].ravel().tolist()


def gets(asked):
    return sum(line.startswith("GET") for line in asked)


def test_a_file_is_copied_once_for_all_who_read_it(store, root):
    folder, url, asked = store
    rows(folder)
    first, second = root(), root()
    assert values(first, f"{url}rows.csv") == values(second, f"{url}rows.csv") == [0, 1, 2, 3, 4]
    assert gets(asked) == 1 and first.remote.versions == second.remote.versions != {}


def test_file_urls_are_read_too(store, root):
    rows(store[0])
    assert values(root(), f"file://{store[0]}/rows.csv") == [0, 1, 2, 3, 4]


def test_a_large_archive_is_mapped_from_its_copy(store, root, monkeypatch):
    folder, url, _ = store
    monkeypatch.setattr("worker.datasets.npz.LARGE_BYTES", 1)
    np.savez(folder / "x.npz", x=np.arange(12, dtype=np.float32).reshape(6, 2))
    assert values(root(), f"{url}x.npz", "npz") == list(range(12))


def test_a_folder_keeps_its_shape_and_files_are_named_by_their_urls(store, root, refused):
    folder, url, _ = store
    for name, first in (("set/a/one.csv", 0), ("set/b/two.csv", 5)):
        rows(folder, name, first)
    assert values(root(), f"{url}set/") == list(range(10))
    (folder / "set/b/two.csv").write_text("a,y\n1,2,3\n")
    assert refused(lambda: values(root(), f"{url}set/"))[0].startswith(f"path: {url}set/b/two.csv, row 1: ")


def test_what_has_changed_is_copied_anew_and_another_version(store, root):
    folder, url, asked = store
    rows(folder)
    before = root()
    values(before, f"{url}rows.csv")
    rows(folder, first=7)
    os.utime(folder / "rows.csv", (1, 1))
    after = root()
    assert values(after, f"{url}rows.csv") == [7, 8, 9, 10, 11] and gets(asked) == 2
    assert before.remote.versions != after.remote.versions
    assert values(before, f"{url}rows.csv") == [0, 1, 2, 3, 4]  # who has begun with a version goes on with it


def test_copies_that_are_not_in_use_make_room(store, root, tmp_path, monkeypatch, refused):
    folder, url, _ = store
    monkeypatch.setenv("BPTRAIN_CACHE_GB", str(200 / remote.GB))
    for name in ("one.csv", "two.csv", "three.csv"):
        (folder / name).write_text("a,y\n" + "1,1\n" * 19)  # 80 bytes
    holder = root()
    values(holder, f"{url}one.csv")
    values(root(), f"{url}two.csv")
    values(root(), f"{url}three.csv")
    kept = {path.name for path in (tmp_path / "cache").glob("remote/*/*.csv")}
    assert kept == {"one.csv", "three.csv"}  # the second was older than the third, and the first is in use
    second = root()
    values(second, f"{url}three.csv")
    assert "expected data that fits into" in refused(lambda: values(root(), f"{url}two.csv"))[0]


@pytest.mark.parametrize("name", ["../data/secret.csv", "%2e%2e/data/secret.csv", "a/./x.csv", "x.csv::file:///etc/passwd"])
def test_no_way_leads_out_of_what_is_allowed(store, root, refused, name):
    assert refused(lambda: values(root(), store[1] + name))[0].startswith("path: expected a URL that may be read, one that begins with http")


def test_nothing_is_asked_of_who_is_not_listed(store, root, refused, tmp_path):
    rows(store[0])
    other = store[1].replace("127.0.0.1", "localhost")
    assert "remote.txt says which" in refused(lambda: values(root(), f"{other}rows.csv"))[0]
    (tmp_path / "data" / remote.ALLOWED).unlink()
    assert refused(lambda: values(root(), f"{store[1]}rows.csv")) == [
        f'path: expected a URL that may be read, none, as the data root has no file remote.txt, got "{store[1]}rows.csv"; '
        "remote.txt says which, a line each, ended by a slash"]
    assert store[2] == []


@pytest.mark.parametrize("name", ["none.csv", "empty/"])
def test_what_is_not_there_is_named(store, root, refused, name):
    (store[0] / "empty").mkdir()
    assert refused(lambda: values(root(), store[1] + name)) == [f'path: expected a file or folder of a remote store, got "{store[1]}{name}"; there is none, or the store does not answer']


def test_a_store_that_nothing_is_installed_for_is_said(root, refused, tmp_path):
    (tmp_path / "data" / remote.ALLOWED).write_text("gs://bucket/\n")
    with contextlib.suppress(ImportError):
        import gcsfs  # noqa: F401

        pytest.skip("gcsfs is installed")
    assert 'expected what "gs://bucket/x.csv" is read with to be installed' in refused(lambda: values(root(), "gs://bucket/x.csv"))[0]


def test_a_server_that_is_gone_is_said(store, root, refused, tmp_path):
    (tmp_path / "data" / remote.ALLOWED).write_text("http://127.0.0.1:9/\n")
    assert "there is none, or the store does not answer" in refused(lambda: values(root(), "http://127.0.0.1:9/x.csv"))[0]
