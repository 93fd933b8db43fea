"""The file of a backup: one tar file of a whole store.

It holds, in this order:
- `about.json`: the format of the file, and when it was begun;
- `documents/<collection>/<number>.jsonl.gz`: a snapshot of the documents, one on each line;
- `blobs/<key>`: every blob that they refer to;
- `changed/<number>.jsonl.gz`: documents whose blob was deleted after the snapshot, in their current
  state or as deleted, so that erased data is not restored;
- `end.json`: counts, and a checksum of everything before. A file without it is truncated.
"""

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from skinapi.base.errors import BrokenBackup
from skinapi.platform.storage.documents import LARGEST_DOCUMENT
from skinapi.platform.storage.ids import BLOB_KEY, now

FORMAT = 1
ABOUT, END = "about.json", "end.json"
MEMBER = re.compile(r"documents/([a-z][a-z0-9_]*)/\d{6,}\.jsonl\.gz|changed/\d{6,}\.jsonl\.gz")
BLOB_MEMBER = re.compile(rf"blobs/({BLOB_KEY.pattern})")
# A chunk of documents is closed above this size, so it is at most one document larger.
CHUNK_BYTES = 4 * 2**20
MOST_CHUNK_BYTES = CHUNK_BYTES + 4 * LARGEST_DOCUMENT + 1
MOST_MEMBER_BYTES = 512 * 2**20
# In a folder of backups each is named after its time.
NAME = re.compile(r"skinapi-\d{8}T\d{6}Z\.tar")
Progress = Callable[["Counts"], None]


@dataclass
class Counts:
    documents: int = 0
    blobs: int = 0
    changed: int = 0  # documents in the state when their blob was copied
    damaged: list[str] = field(default_factory=list)  # omitted blobs
    collections: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)  # by collection, by a restore

    def add_documents(self, collection: str, many: int) -> None:
        self.documents += many
        self.collections[collection] = self.collections.get(collection, 0) + many

    def shown(self) -> dict[str, Any]:
        return {**asdict(self), "damaged": len(self.damaged)}


class BackupWriter:
    """Writes sequentially: a TarFile would keep the header of each member in memory."""

    def __init__(self, out: IO[bytes], *, store: str | None) -> None:
        self._out = out
        self._sum = hashlib.sha256()
        about = {"format": FORMAT, "begun_at": now().isoformat(), "store": store}
        self.add(ABOUT, json_of(about))

    def add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(data), 0o600, int(now().timestamp())
        padding = bytes(-len(data) % tarfile.BLOCKSIZE)
        self._out.write(member.tobuf(tarfile.PAX_FORMAT) + data + padding)
        _count_in(self._sum, name, data)

    def end(self, counts: Counts) -> None:
        self.add(END, json_of({**counts.shown(), "sha256": self._sum.hexdigest()}))
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))  # then `tar` looks for no more members


def verify_backup(path: Path) -> Counts:
    end: dict[str, Any] = {}
    checksum, counts = hashlib.sha256(), Counts()
    for name, data in members_of(path):
        if end:
            raise BrokenBackup("something follows its end")
        if name == END:
            end = _object(data)
            continue
        _count_in(checksum, name, data)
        if name == ABOUT:
            if _object(data).get("format") != FORMAT:
                raise BrokenBackup("it has a format of another version of SkinAPI")
        elif blob := BLOB_MEMBER.fullmatch(name):
            if hashlib.sha256(data).hexdigest() != blob[1].partition("-")[2]:
                raise BrokenBackup("a stored file in it is damaged")
            counts.blobs += 1
        elif chunk := MEMBER.fullmatch(name):
            many = len(unpacked(data))
            if chunk[1]:
                counts.add_documents(chunk[1], many)
            else:
                counts.changed += many
        else:
            raise BrokenBackup("it has a part that no backup has")
    if not end:
        raise BrokenBackup("its end is missing: it was cut off")
    counted = {**counts.shown(), "damaged": end.get("damaged"), "sha256": checksum.hexdigest()}
    # That of release 1.0.0 covers less.
    if "sha256" not in end or {**counted, **end} != counted:
        raise BrokenBackup("its checksum does not match")
    return counts


def members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path, mode="r|") as tar:
            while member := tar.next():
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps each of them
                if not member.isreg() or member.size > MOST_MEMBER_BYTES:
                    raise BrokenBackup("it has a part that no backup has")
                content = tar.extractfile(member)
                data = content.read() if content else b""
                if len(data) != member.size:
                    raise BrokenBackup("its end is missing: it was cut off")
                yield member.name, data
    except tarfile.TarError as error:
        raise BrokenBackup("it is not a whole tar file") from error
    except OSError as error:
        raise BrokenBackup(f"the file cannot be read ({error.strerror})") from error


def packed(lines: list[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode(), 3, mtime=0)


def unpacked(data: bytes) -> list[str]:
    try:
        unpacking = zlib.decompressobj(wbits=31)
        text = unpacking.decompress(data, MOST_CHUNK_BYTES)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise BrokenBackup("a part of its documents is damaged")
        return text.decode().split("\n")
    except (zlib.error, UnicodeDecodeError) as error:
        raise BrokenBackup("a part of its documents is damaged") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError as error:
        raise BrokenBackup("a part of it is no JSON") from error
    return parsed if isinstance(parsed, dict) else {}


def read_about(about: bytes) -> tuple[datetime, str | None]:
    facts = _object(about)
    name = facts.get("store")
    try:
        begun_at = datetime.fromisoformat(facts.get("begun_at", ""))
    except (TypeError, ValueError) as error:
        raise BrokenBackup("it does not say when it was begun") from error
    return begun_at, name if isinstance(name, str) else None


def _count_in(checksum: "hashlib._Hash", name: str, data: bytes) -> None:
    checksum.update(f"{name}:{len(data)}:".encode() + hashlib.sha256(data).digest())


def json_of(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def dated_backup(folder: Path) -> Path:
    return folder / f"skinapi-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"


def newest_backup(path: Path) -> Path:
    if not path.is_dir():
        return path
    if backups := _backups_in(path):
        return backups[-1]
    raise BrokenBackup(f"there is none in {path}")


def remove_old_backups(folder: Path, *, keep: int) -> list[Path]:
    old = _backups_in(folder)[:-keep]
    for path in old:
        path.unlink()
    return old


def _backups_in(folder: Path) -> list[Path]:
    named = (path for path in folder.iterdir() if NAME.fullmatch(path.name))
    return sorted(path for path in named if path.is_file())
