"""The command line: one file a command, heavy imports inside the functions.

This package may print; nothing else in Residency does.
"""

from residency.cli.app import main

__all__ = ["main"]
