"""Refuses files that do not belong here: too large, half merged, tied to a machine."""

import re
import sys
from pathlib import Path

LIMIT = 500_000  # bytes: weights and data sets live elsewhere
MERGE_MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
HOME = re.compile(rb"/(home|Users)/[a-z]\w*/")


def fault(path: Path) -> str | None:
    """Returns what is wrong with the file at `path`, if anything."""
    content = path.read_bytes()
    if len(content) > LIMIT:
        return f"has {len(content):,} bytes, at most {LIMIT:,} are allowed"
    if MERGE_MARKER.search(content):
        return "holds a merge marker"
    if found := HOME.search(content):
        return f"holds the path of one machine, {found[0].decode()}"
    return None


def main(names: list[str]) -> int:
    """Prints one line a faulty file; returns the exit status."""
    files = [path for path in map(Path, names) if path.is_file()]
    faults = [f"{path}: {what}" for path in files if (what := fault(path))]
    print("\n".join(faults), end="\n" if faults else "", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
