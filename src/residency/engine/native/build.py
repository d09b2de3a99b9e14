"""Compiles a C file of this folder once a machine and loads it."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from residency.errors import EngineError
from residency.files import cache_folder

FLAGS = ("-O3", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
HERE = Path(__file__).parent
SECONDS = 120


def load_library(name: str) -> ctypes.CDLL:
    """Returns the compiled `name`.c, compiling it if this machine never did.

    The result is kept in the user's cache folder, by the source, the compiler and the
    processor; two processes that compile at once do not disturb each other.

    Raises:
        EngineError: Switched off, no compiler, or it failed; says what.
    """
    if os.environ.get("RESIDENCY_NATIVE") == "0":
        raise EngineError("switched off by RESIDENCY_NATIVE=0")
    compiler = _compiler()
    sources = sorted(HERE.glob(f"{name}.*"))
    flags = [*FLAGS, *_machine_flags(), *_threading_flags()]
    key = [*(file.read_bytes() for file in sources), _processor(), compiler, *flags]
    digest = hashlib.sha256(
        b"\0".join(part if isinstance(part, bytes) else part.encode() for part in key)
    )
    library = cache_folder() / "native" / f"{name}-{digest.hexdigest()[:16]}.so"
    if not library.exists():
        _compile([compiler, *flags], HERE / f"{name}.c", library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise EngineError(f"{library} cannot be loaded: {error}") from error


def _compiler() -> str:
    wanted = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    for name in (wanted.split()[0], "cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    raise EngineError("no C compiler found; install gcc or clang, or set CC")


def _compile(command: list[str], source: Path, library: Path) -> None:
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        temporary = library.with_suffix(f".{os.getpid()}.tmp")
        done = subprocess.run(
            [*command, "-o", str(temporary), str(source), "-lm"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise EngineError(f"{command[0]} failed: {done.stderr.strip()[:500]}")
        temporary.replace(library)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{source.name} was not compiled: {error}") from error


def _machine_flags() -> tuple[str, ...]:
    """Returns the flag for this very processor; the result never leaves it."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return ("-march=native",)
    return ("-mcpu=native",)


def _threading_flags() -> tuple[str, ...]:
    """Returns what makes it parallel; torch's OpenMP, loaded before, serves both."""
    return () if sys.platform == "darwin" else ("-fopenmp",)


def _processor() -> str:
    """Returns what the processor can do, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = ("model name", "flags", "Features", "CPU part")
    return " ".join(dict.fromkeys(x for x in lines if x.startswith(told)))
