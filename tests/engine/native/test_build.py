"""Compiling: a broken or missing compiler never stops a training."""

import os
import platform
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from residency.engine.native.build import Library, load_library
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


def test_a_library_that_is_wrong_is_not_used(monkeypatch):
    monkeypatch.delenv("RESIDENCY_NATIVE", raising=False)
    library = Library("batch_norm", {}, trouble=lambda: "two and two are five")
    if library.unavailable() != "two and two are five":
        pytest.skip(str(library.unavailable()))
    assert library.unavailable() == "two and two are five"


def test_nobody_uses_a_library_before_it_is_tried(monkeypatch):
    monkeypatch.delenv("RESIDENCY_NATIVE", raising=False)
    begun, go_on, told = threading.Event(), threading.Event(), []

    def trouble():
        begun.set()
        go_on.wait(10)
        return "too small"

    library = Library("batch_norm", {}, trouble)
    asked = [
        threading.Thread(target=lambda: told.append(library.unavailable()))
        for _ in range(2)
    ]
    asked[0].start()
    if not begun.wait(10):
        pytest.skip("no library here")
    asked[1].start()
    asked[1].join(0.1)
    assert told == []
    go_on.set()
    for thread in asked:
        thread.join()
    assert told == ["too small"] * 2


@pytest.mark.parametrize(
    ("status", "error"),
    [(1, MemoryError), (2, EngineError)],
)
def test_a_function_that_fails_says_why(status, error):
    library = Library("some_name", {}, trouble=lambda: None)
    library._loaded = SimpleNamespace(function=lambda: status)
    with pytest.raises(error, match=r"some.name"):
        library.run("function")


PARTS = {
    "a processor without bfloat16": "-march=x86-64-v3",
    "an old processor": "-march=x86-64",
}
EXPECTED = {
    "batch_norm": "None",
    "convolution": "weight_gradient.c gains nothing on this processor",
    "direct_convolution": "direct_convolution.c gains nothing on this processor",
}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of x86")
@pytest.mark.parametrize("flag", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("module", EXPECTED)
def test_other_processors(module, flag, tmp_path):
    """What is compiled for them agrees with torch, or says that it gains nothing."""
    script = (
        f"from residency.engine.native import build, {module}\n"
        f"build._machine_flags = lambda: ({flag!r},)\n"
        f"print({module}.unavailable())\n"
    )
    environment = os.environ | {"RESIDENCY_CACHE": str(tmp_path)}
    environment.pop("RESIDENCY_NATIVE", None)
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if "no C compiler" in told:
        pytest.skip(told)
    assert told == EXPECTED[module]
