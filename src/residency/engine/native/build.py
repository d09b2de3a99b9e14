"""Compiles a C file of this folder once a machine, loads it and tries it."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from residency.errors import EngineError
from residency.files import cache_folder

FLAGS = ("-O3", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
HERE = Path(__file__).parent
SECONDS = 120


class Library:
    """A compiled C file that is used if it comes to the same as torch does.

    Args:
        name: Of the file.
        functions: What it exports, with the types of the arguments; each returns 0, 1
            where memory ran out, 2 where it was not made for the processor.
        trouble: Called once it is loaded; says what is wrong with it, or `None`.
    """

    def __init__(
        self,
        name: str,
        functions: Mapping[str, Sequence[Any]],
        trouble: Callable[[], str | None],
    ) -> None:
        self.name = name
        self.functions = functions
        self._trouble = trouble
        self._loaded: Any = None
        self._tried = False
        self._reason: str | None = None
        self._lock = threading.Lock()

    def unavailable(self) -> str | None:
        """Returns why it is not used on this machine; `None`: it is."""
        if not self._tried:
            with self._lock:  # others wait until it has been tried
                if not self._tried:
                    self._reason = self._load()
                    self._tried = True
        return self._reason

    def run(self, function: str, *arguments: Any) -> None:
        """Calls a function of a library that is available.

        Raises:
            MemoryError: There was none left.
            EngineError: It was not made for this processor.
        """
        found = getattr(self._loaded, function)(*arguments)
        if found == 1:
            raise MemoryError(f"no memory left for {self.name.replace('_', ' ')}")
        if found == 2:
            raise EngineError(f"{self.name}.c gains nothing on this processor")

    def _load(self) -> str | None:
        try:
            self._loaded = load_library(self.name)
            for function, types in self.functions.items():
                getattr(self._loaded, function).argtypes = types
            return self._trouble()
        except EngineError as error:
            return str(error)


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
    sources = sorted([HERE / f"{name}.c", *HERE.glob(f"{name}*.inc")])
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
