"""Downloads, from files on this machine instead of the web."""

import hashlib
import socket
import threading

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


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nxxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nxxx",
    ],
)
def test_a_junk_answer_is_one_error(tmp_path, answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/data.bin"
        with pytest.raises(DataError, match=r"data.bin: cannot be fetched: .+\.\Z"):
            fetch(Remote(url, "md5:0"), tmp_path / "cache")
        thread.join()
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
