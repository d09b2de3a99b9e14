"""Downloads, from files on this machine instead of the web."""

import hashlib

import pytest

from residency.data.download import Remote, fetch
from residency.errors import DataError
from residency.files import cache_folder

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture
def remote(tmp_path) -> Remote:
    path = tmp_path / "server" / "data.bin"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return Remote(path.as_uri(), f"sha256:{hashlib.sha256(CONTENT).hexdigest()}")


def test_fetches_checks_and_tells_progress(tmp_path, remote):
    calls = []
    path = fetch(remote, tmp_path / "cache", lambda *call: calls.append(call))
    assert path == tmp_path / "cache" / "data.bin"
    assert path.read_bytes() == CONTENT
    assert calls[-1] == (len(CONTENT), len(CONTENT))
    assert len(calls) == 3
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["data.bin"]


def test_md5_is_checked_too(tmp_path, remote):
    digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert fetch(Remote(remote.url, f"md5:{digest}"), tmp_path / "cache").exists()


def test_what_is_there_is_not_fetched_again(tmp_path, remote):
    path = fetch(remote, tmp_path / "cache")
    (tmp_path / "server" / "data.bin").unlink()
    assert fetch(remote, tmp_path / "cache") == path


def test_another_file_leaves_nothing_behind(tmp_path, remote):
    wrong = Remote(remote.url, "md5:00000000000000000000000000000000")
    with pytest.raises(DataError, match=r"expected md5:0+, got md5:[0-9a-f]{32}"):
        fetch(wrong, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_absent_file_leaves_nothing_behind(tmp_path, remote):
    with pytest.raises(DataError, match="cannot be fetched"):
        fetch(Remote(f"{remote.url}x", remote.digest), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, remote):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        fetch(remote, tmp_path / "file" / "cache")


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("RESIDENCY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "residency"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "residency"
