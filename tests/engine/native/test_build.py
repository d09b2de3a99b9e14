"""Compiling: a broken or missing compiler never stops a training."""

import pytest

from residency.engine.native.build import load_library
from residency.errors import EngineError


def test_it_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path))
    monkeypatch.delenv("RESIDENCY_NATIVE", raising=False)
    try:
        load_library("batch_norm")
    except EngineError as error:
        pytest.skip(str(error))
    (library,) = (tmp_path / "native").iterdir()
    made = library.stat().st_mtime_ns
    load_library("batch_norm")
    assert [library] == list((tmp_path / "native").iterdir())
    assert library.stat().st_mtime_ns == made


def test_a_compiler_that_fails_says_so(tmp_path, monkeypatch):
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.delenv("RESIDENCY_NATIVE", raising=False)
    with pytest.raises(EngineError, match="out of order"):
        load_library("batch_norm")


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.delenv("RESIDENCY_NATIVE", raising=False)
    with pytest.raises(EngineError, match="no C compiler"):
        load_library("batch_norm")


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("RESIDENCY_NATIVE", "0")
    with pytest.raises(EngineError, match="RESIDENCY_NATIVE"):
        load_library("batch_norm")
