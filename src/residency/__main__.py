"""`python -m residency` is the command `residency`."""

from residency.cli import main

if __name__ == "__main__":
    main()
