"""One fault a file: `check(script)` yields findings, and has no other effect."""
