"""One fault a file: `check(curves)` yields findings, and has no other effect."""
