"""Data from remote stores, through fsspec: copied once to this host, and read from there as files.

1. What may be had stands in the file ALLOWED of the data root, a line a beginning of URLs, such as https://data.example/sets/:
   who hands in jobs cannot make a coordinator ask just anyone.
2. A copy is of one version (its ETag, time of change, size), and is trained on until the end. Ranks that find another version,
   such as later replacements, are refused by name (worker/meeting.py).
3. Copies are in one folder for all jobs of a user; the ones that were used longest ago make room, unless they are in use.
"""

import fcntl
import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bpcore.errors import InvalidInput, Problem, expected
from worker.data import cache

ALLOWED = "remote.txt"
VERSION = ("ETag", "etag", "Content-MD5", "Last-Modified", "LastModified", "last_modified", "mtime", "updated", "generation", "size")
GB = 1 << 30
MOST_GB = 20.0  # of copies, unless $BPTRAIN_CACHE_GB says otherwise


def is_url(name: str) -> bool:
    return "://" in name


class Remote:
    """What one job has of remote stores; its copies stay while this object does. `versions`: URL → what was found there."""

    def __init__(self, data_root: Path):
        self._root = data_root
        self._copies: dict[str, Path] = {}
        self.versions: dict[str, Mapping[str, str]] = {}

    def path(self, url: str, field: str) -> Path:
        """The copy of a file, or of a folder, whose URL ends in a slash. Raises InvalidInput."""
        found = self._known(url)
        if found is None:
            self._require_allowed(url, field)
            found = self._copies[url] = self._copied(url, field)
        return found

    def url(self, path: Path) -> str | None:
        """Of what is in a copy."""
        for url, copy in self._copies.items():
            if path.is_relative_to(copy):
                return url + path.relative_to(copy).as_posix() if path != copy else url
        return None

    def _known(self, url: str) -> Path | None:
        for known, copy in self._copies.items():
            if url == known or known.endswith("/") and url.startswith(known):
                return copy / url.removeprefix(known)
        return None

    def _require_allowed(self, url: str, field: str) -> None:
        try:
            lines = (self._root / ALLOWED).read_text().split()
        except (OSError, UnicodeDecodeError):
            lines = []
        is_plain = "::" not in url and not {".", ".."} & set(unquote(url).split("/"))
        if not is_plain or not any(url.startswith(line) for line in lines if line.endswith("/")):
            known = f"one that begins with {' or '.join(lines)}" if lines else f"none, as the data root has no file {ALLOWED}"
            raise InvalidInput([Problem(field, expected(f"a URL that may be read, {known}", url, f"{ALLOWED} says which, a line each, ended by a slash"))])

    def _copied(self, url: str, field: str) -> Path:
        try:
            files, versions = _found(url)
            key = hashlib.sha256(json.dumps([url, versions], sort_keys=True).encode()).hexdigest()[:32]
            copy = cache.folder("remote") / key
            lock = _made(copy, files, lambda: _found(url)[1] == versions)
        except FileNotFoundError:
            raise InvalidInput([Problem(field, expected("a file or folder of a remote store", url, "there is none, or the store does not answer"))]) from None
        except ImportError as error:  # fsspec, or its plugin for this kind of store; the text says what to install
            raise InvalidInput([Problem(field, f'expected what "{url}" is read with to be installed: {error}')]) from None
        except InvalidInput as error:
            raise InvalidInput([problem.under(field) for problem in error.problems]) from None
        except Exception as error:  # whatever a plugin raises; its text may hold what nobody is to see
            raise InvalidInput([Problem(field, f'expected a remote store that answers, but "{url}" could not be read ({type(error).__name__})')]) from None
        weakref.finalize(self, os.close, lock)
        self.versions[url] = versions
        return copy if url.endswith("/") else copy / url.rsplit("/", 1)[1]


def _found(url: str) -> tuple[Mapping[str, tuple[Any, str]], Mapping[str, str]]:
    """(name in the copy → (store, name there), name in the copy → version)."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ImportError("pip install 'bptrain[remote]'") from None
    store, place = url_to_fs(url, use_listings_cache=False)
    store.invalidate_cache()
    if not url.endswith("/"):
        return {url.rsplit("/", 1)[1]: (store, place)}, {url.rsplit("/", 1)[1]: _version(store.info(place))}
    base = place.rstrip("/") + "/"
    names = {each.removeprefix(base): each for each in store.find(place) if each.startswith(base) and each != base}
    if not names:
        raise FileNotFoundError
    return {name: (store, each) for name, each in names.items()}, {name: _version(store.info(each)) for name, each in names.items()}


def _version(info: Mapping[str, Any]) -> str:
    return json.dumps({key: str(info[key]) for key in VERSION if info.get(key) is not None}, sort_keys=True)


def _made(copy: Path, files: Mapping[str, tuple[Any, str]], is_unchanged: Callable[[], bool]) -> int:
    """Copies what is not there yet; an open file that keeps it there. Of processes that want the same, one copies."""
    while True:
        lock = os.open(copy.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if copy.exists():
                os.utime(copy)
                return lock
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not copy.exists():
                _copy(copy, files, is_unchanged)
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # and again: between two locks somebody may remove it


def _copy(copy: Path, files: Mapping[str, tuple[Any, str]], is_unchanged: Callable[[], bool]) -> None:
    part = copy.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    _make_room(copy.parent, sum(store.info(place).get("size") or 0 for store, place in files.values()))
    try:
        for name, (store, place) in files.items():
            target = part / name
            if not target.resolve().is_relative_to(part.resolve()):
                raise FileNotFoundError
            target.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(place, str(target))
        if not is_unchanged():
            raise InvalidInput([Problem("", "expected files that stay as they are, but they changed while they were copied")])
        part.rename(copy)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _make_room(copies_in: Path, wanted: int) -> None:
    """Raises InvalidInput where there cannot be enough."""
    most = float(os.environ.get("BPTRAIN_CACHE_GB") or MOST_GB) * GB
    copies = sorted((each for each in copies_in.iterdir() if not each.suffix), key=lambda each: each.stat().st_mtime)
    sizes = {each: sum(_sizes(each)) for each in copies}
    for each in copies:
        if sum(sizes.values()) + wanted > most and _removed(each):
            del sizes[each]
    if sum(sizes.values()) + wanted > most:
        raise InvalidInput([Problem("", expected(f"data that fits into the {most / GB:g} GB for copies ($BPTRAIN_CACHE_GB)", f"{wanted / GB:.3g} GB",
                                                 f"{sum(sizes.values()) / GB:.3g} GB are in use"))])


def _sizes(folder: Path) -> Iterator[int]:
    return (each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _removed(copy: Path) -> bool:
    """Whether it was not in use."""
    lock = os.open(copy.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(copy)
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
