"""What the commands share: how they speak, and how they tell of a full disk."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.errors import DiskFull


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def raise_disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        if failed.errno == errno.ENOSPC:
            raise DiskFull from failed
        raise
