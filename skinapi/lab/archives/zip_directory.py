"""Bounds what Python reads of a zip before it gives the first entry: the directory, whole.

It takes 600 bytes of memory for each entry, and time with the square of an entry's extra fields.
Whichever record tells where the directory is, also that of ZIP64, the library asks for it in one
read. So what it is given is counted, and no record is parsed a second time.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from skinapi.lab.errors import BadArchive

# Of 50,000 entries each may have a name and extra fields of 120 bytes.
LARGEST_DIRECTORY = 8 * 1024 * 1024
_ENTRY_MARK = b"PK\x01\x02"


class BoundedZip:
    """A zip for `zipfile.ZipFile` to read. Raises BadArchive for what is too much at once."""

    def __init__(self, file: IO[bytes], *, most_entries: int) -> None:
        self._file = file
        self._most_entries = most_entries
        self._in_directory = False

    @contextmanager
    def reading_directory(self) -> Iterator["BoundedZip"]:
        """While this goes on, the entries of what is read are counted."""
        self._in_directory = True
        yield self
        self._in_directory = False

    def read(self, size: int = -1) -> bytes:
        if size > LARGEST_DIRECTORY:
            raise BadArchive("The directory of the zip archive is too long")
        data = self._file.read(LARGEST_DIRECTORY + 1 if size < 0 else size)
        if len(data) > LARGEST_DIRECTORY:
            raise BadArchive("The directory of the zip archive is too long")
        if self._in_directory and data.count(_ENTRY_MARK) > self._most_entries:
            raise BadArchive(f"The zip archive has more than {self._most_entries} entries")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Does nothing: its owner closes the file."""
