"""Console output and the full-disk error, for all commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.errors import DiskFull
from skinapi.storage.files import FULL


def print_line(line: str) -> None:
    """Prints at once: through a pipe, output would otherwise arrive in blocks."""
    # Not `print`, which the linter keeps for the command line's entry points.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def raise_disk_full() -> Iterator[None]:
    """Turns the operating system's error for a full disk, or a full quota, into DiskFull."""
    try:
        yield
    except OSError as failed:
        if failed.errno in FULL:
            raise DiskFull from failed
        raise
