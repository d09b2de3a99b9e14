"""A file is whole or as it was, whatever goes wrong while it is written."""

import errno
import os
import threading

import pytest

from residency.errors import ExportError
from residency.files import replacing, write_json, write_text


def full_disk(*ignored, **unused):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def old(tmp_path):
    """A file written before."""
    path = tmp_path / "results.json"
    path.write_text("old")
    return path


def only_old_is_left(old):
    return old.read_text() == "old" and os.listdir(old.parent) == [old.name]


def test_the_new_text_takes_the_name(old):
    write_text(old, "zwölf")
    assert old.read_bytes() == "zwölf".encode()
    assert os.listdir(old.parent) == [old.name]


def test_folders_are_made(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"ü": [1, 2]})
    assert (tmp_path / "a" / "b.json").read_text("utf-8") == (
        '{\n "ü": [\n  1,\n  2\n ]\n}\n'
    )


def test_a_name_in_no_encoding_is_escaped(tmp_path):
    write_json(tmp_path / "names.json", ["caf\udce9"])
    assert "\\udce9" in (tmp_path / "names.json").read_text("ascii")


def test_a_link_stays_one_and_its_file_is_replaced(old):
    link, dangling = old.with_name("link.json"), old.with_name("dangling.json")
    link.symlink_to(old.name)
    dangling.symlink_to("new/none.json")
    for path in (link, dangling):
        write_text(path, "new")
        assert path.is_symlink()
        assert path.resolve().read_text() == "new"
    assert old.read_text() == "new"
    assert sorted(os.listdir(old.parent)) == [
        *("dangling.json", "link.json", "new", old.name)
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_what_is_no_file_is_written_to(tmp_path):
    """A device was replaced by a file of its name."""
    pipe, told = tmp_path / "pipe.csv", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: told.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "new")
    reader.join()
    assert told == ["new"]
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == [pipe.name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file(old, error):
    def write_half():
        with replacing(old) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert only_old_is_left(old)


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_leaves_the_old_file(old, call, monkeypatch):
    monkeypatch.setattr(os, call, full_disk)
    with pytest.raises(
        ExportError, match=r"results\.json: cannot be written \(No spac"
    ):
        write_text(old, "new")
    monkeypatch.undo()
    assert only_old_is_left(old)


def test_a_full_disk_inside_the_block_is_the_users_error(old):
    with pytest.raises(ExportError, match="No space left"), replacing(old):
        full_disk()
    assert only_old_is_left(old)


def test_a_path_below_a_file_cannot_be_written(old):
    with pytest.raises(ExportError, match="cannot be written"):
        write_text(old / "below.txt", "new")
    assert only_old_is_left(old)


def test_json_has_no_numbers_that_are_none(old):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(old, {"loss": float("nan")})
    assert only_old_is_left(old)
