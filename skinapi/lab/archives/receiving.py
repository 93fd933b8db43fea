"""Receives the files of a form into the quarantine, each as it is read."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from skinapi.lab.archives.contents import Sent
from skinapi.lab.archives.file_names import clean_name
from skinapi.lab.archives.quarantine import QuarantineFile, QuarantineFolder
from skinapi.web.forms import PartHead


@dataclass
class Received:
    """The files of the form field, and the texts of all others."""

    sent: list[Sent] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)


def receive(parts: Iterable[PartHead | bytes], folder: QuarantineFolder, *, field: str) -> Received:
    """Raises BadArchive for a name that is refused, and what the folder and the form raise."""
    files: list[tuple[str, Path, QuarantineFile]] = []
    texts: dict[str, bytearray] = {}
    with ExitStack() as opened:
        head: PartHead | None = None
        for event in parts:
            if isinstance(event, PartHead):
                head = event
                opened.close()  # the file before is complete
                if _is_file(head, field):
                    path, file = opened.enter_context(folder.new_file())
                    files.append((clean_name(head.filename or ""), path, file))
            elif head and _is_file(head, field):
                files[-1][2].write(event)
            elif head and head.filename is None:
                texts.setdefault(head.name, bytearray()).extend(event)
    return Received(
        sent=[Sent(name, file.size, partial(_open, path)) for name, path, file in files],
        texts={name: bytes(text).decode("utf-8", "replace") for name, text in texts.items()},
    )


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _is_file(head: PartHead, field: str) -> bool:
    """Whether it is a file of this field; a browser sends one without a name for an empty input."""
    return head.name == field and bool(head.filename)
