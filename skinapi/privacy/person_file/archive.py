"""Writes the ZIP archive of a person's file: one member after the other, none of them whole in
memory, and the signed list of them at the end.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any, Literal

from pydantic import BaseModel

from skinapi.privacy.person_file.format import (
    FILES,
    MANIFEST,
    SIGNATURE,
    Maker,
    Manifest,
    ManifestFile,
    MissingFile,
    schema_of,
)
from skinapi.privacy.signature import Signer

# These are packed already.
PACKED = (".jpg", ".pdf")
PRIVATE = 0o600 << 16  # where the rights of a Unix file stand in its entry


class ArchiveWriter:
    """`out` need not be able to go back."""

    def __init__(self, out: IO[bytes], *, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(out, "w")
        self.made_at = made_at
        self.files: list[ManifestFile] = []
        self.missing: list[MissingFile] = []

    @contextmanager
    def open(self, path: str) -> Iterator["MemberWriter"]:
        """A member to write."""
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        packed = path.endswith(PACKED)
        entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        entry.external_attr = PRIVATE
        with self._zip.open(entry, "w") as out:
            member = MemberWriter(out)
            yield member
        self.files.append(
            ManifestFile(path=path, bytes=member.bytes, sha256=member.hash.hexdigest())
        )

    def add(self, path: str, content: bytes) -> ManifestFile:
        with self.open(path) as member:
            member.write(content)
        return self.files[-1]

    def add_json(self, path: str, record: BaseModel) -> None:
        self.add(path, record.model_dump_json(indent=1, by_alias=True).encode())

    def add_list(self, path: str, name: str, records: Iterable[BaseModel]) -> int:
        """A JSON object with one list, which is read while it is written; how long it is."""
        count = 0
        with self.open(path) as member:
            member.write(f'{{"{name}": ['.encode())
            for record in records:
                text = record.model_dump_json(by_alias=True)
                member.write(f"{',' if count else ''}\n{text}".encode())
                count += 1
            member.write(b"\n]}\n")
        return count

    def add_schemas(self) -> None:
        for name in FILES:
            self.add(f"schemas/{name}.schema.json", json.dumps(schema_of(name), indent=2).encode())

    def miss(self, path: str, reason: Literal["damaged", "lost"]) -> None:
        """Say that something could not be put in."""
        self.missing.append(MissingFile(path=path, reason=reason))

    def end(
        self, *, account: str, maker: Maker, signer: Signer, counts: Mapping[str, int]
    ) -> Manifest:
        """Sign the list of all that is in it, and close it."""
        manifest = Manifest(
            made_at=self.made_at,
            made_by=maker,
            account=account,
            counts=counts,
            files=tuple(self.files),
            missing=tuple(self.missing),
        )
        content = manifest.model_dump_json(indent=1).encode()
        self.add(MANIFEST, content)
        self.add(SIGNATURE, signer.sign(content))
        self._zip.close()
        return manifest


class MemberWriter:
    """Writes a member, and counts and hashes what it writes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.bytes, self.hash = 0, hashlib.sha256()

    def write(self, content: Any) -> None:
        self._out.write(content)
        self.bytes += len(content)
        self.hash.update(content)
