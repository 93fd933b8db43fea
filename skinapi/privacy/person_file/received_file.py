"""Reads a person's file that came from elsewhere, and believes nothing of it: the signature first,
then that each file is there, whole and as it was signed, then what the JSON files say.

A server's signature says who made the file, and not that its maker means well. So every text,
number and time of it is bounded here, before a model reads it.
"""

import hashlib
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from skinapi.errors import Unprocessable
from skinapi.json_bounds import holds_more_values
from skinapi.lab.archives import (
    Budget,
    broken_archives,
    open_zip,
    read_pieces,
    refuse_zip_entry,
)
from skinapi.lab.errors import BadArchive
from skinapi.lab.file_names import shown
from skinapi.privacy.person_file.format import (
    FORMAT,
    MANIFEST,
    SIGNATURE,
    VERSION,
    Manifest,
    ManifestFile,
)
from skinapi.privacy.person_file.signature import PublicKey

LARGEST_FILE = 16 * 1024 * 1024
LARGEST_SIGNATURE = 1024
FINDING = re.compile(r"findings/[0-9a-f]{32}/finding\.json")
FORGED = (
    "The signature does not fit its list of contents: the file was changed after it was made, or"
    " was not made by the server that it names."
)
# A finding on four photos has some 1500 values.
MOST_VALUES = 200_000
# MongoDB keeps no larger ones, and JavaScript reads none.
LARGEST_NUMBER = 2**53
LONGEST_TEXT = 20_000
FIELD_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
M = TypeVar("M", bound=BaseModel)


class BrokenPersonFile(Unprocessable):
    """`what` is the reason, as a sentence."""

    code = "broken_person_file"
    sentence = "This is not a person's file that can be imported"

    def __init__(self, what: str) -> None:
        super().__init__(f"Nothing was imported. {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A person's file. `files` are those that its manifest names, by their paths; `signed` are the
    bytes of the manifest, and the line that signs them.
    """

    name: str
    size: int
    manifest: Manifest
    signed: tuple[bytes, bytes] = field(repr=False)
    files: Mapping[str, ManifestFile] = field(repr=False)
    _zip: zipfile.ZipFile = field(repr=False)

    @property
    def key(self) -> PublicKey:
        return PublicKey(self.manifest.made_by.public_key)

    @property
    def sha256(self) -> str:
        """Of its manifest, which names the SHA-256 of each file."""
        return hashlib.sha256(self.signed[0]).hexdigest()

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """The file, whose manifest the key has signed that stands in it. Whether its files are
        those of the manifest says `verify`. Raises BrokenPersonFile.
        """
        try:
            file = path.open("rb")
            size = path.stat().st_size
        except OSError as error:
            raise BrokenPersonFile(f"{path} cannot be read: {error.strerror}.") from error
        with file:
            with _damage_said(path.name):
                archive = open_zip(file)
                for entry in archive.infolist():
                    refuse_zip_entry(entry)
                signed = (_small(archive, MANIFEST), _small(archive, SIGNATURE, LARGEST_SIGNATURE))
            manifest = _read_manifest(signed[0])
            if not PublicKey(manifest.made_by.public_key).verifies(*signed):
                raise BrokenPersonFile(FORGED)
            files = {one.path: one for one in manifest.files}
            if len(files) != len(manifest.files) or {MANIFEST, SIGNATURE} & files.keys():
                raise BrokenPersonFile("Its list of contents names a file twice, or itself.")
            yield cls(
                name=path.name,
                size=size,
                manifest=manifest,
                signed=signed,
                files=files,
                _zip=archive,
            )

    def verify(self) -> None:
        """Read all files, and compare each with the manifest. Raises BrokenPersonFile."""
        there = self._zip.namelist()
        if len(there) != len({*there}):
            raise BrokenPersonFile("The archive has two files of one name.")
        named = {*self.files, MANIFEST, SIGNATURE}
        for name in sorted({*there} - named):
            raise BrokenPersonFile(f"{shown(name)} is in the archive, and not in its list.")
        for name in sorted(named - {*there}):
            raise BrokenPersonFile(f"{shown(name)} is missing.")
        budget = Budget(self.name, self.size)
        with _damage_said(self.name):
            for one in self.files.values():
                budget.count_entry()
                _compare(one, map(budget.count, self._pieces(one.path)))

    def read(self, path: str) -> bytes:
        """One of its files. Raises BrokenPersonFile, also where it changed since `verify`."""
        one = self.files.get(path)
        if one is None:
            raise BrokenPersonFile(f"{shown(path)} is missing.")
        if one.bytes > LARGEST_FILE:
            raise BrokenPersonFile(f"{shown(path)} is larger than any such file.")
        with _damage_said(self.name):
            return b"".join(_compare(one, self._pieces(path), keep=True))

    def read_json(self, path: str, model: type[M]) -> M:
        """What a JSON file says. Raises BrokenPersonFile."""
        return read_bounded(path, self.read(path), model)

    def list_findings(self) -> list[str]:
        """The paths of the findings' JSON files."""
        return [path for path in self.files if FINDING.fullmatch(path)]

    def _pieces(self, path: str) -> Iterator[bytes]:
        with self._zip.open(path) as file:
            yield from read_pieces(file.read)


def read_bounded(path: str, text: bytes, model: type[M]) -> M:
    """Raises BrokenPersonFile."""
    if holds_more_values(text, MOST_VALUES):
        raise BrokenPersonFile(f"{shown(path)} holds more than {MOST_VALUES} values.")
    try:
        _refuse_odd_values(from_json(text, allow_inf_nan=False, cache_strings=False))
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise BrokenPersonFile(
            f"{shown(path)} is not as the format says: {shown(where)}: {first['msg']}."
        ) from error
    except Exception as error:  # what a model's own code meets may be of any kind
        raise BrokenPersonFile(f"{shown(path)} cannot be read: {shown(str(error))}.") from error


def _read_manifest(text: bytes) -> Manifest:
    try:
        told = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BrokenPersonFile("Its list of contents (manifest.json) is no JSON.") from error
    told = told if isinstance(told, dict) else {}
    if told.get("format") != FORMAT:
        raise BrokenPersonFile("It is not a person's file of SkinAPI (manifest.json).")
    if told.get("version") != VERSION:
        raise BrokenPersonFile(
            f"It has version {shown(str(told.get('version')))} of the format, and this server reads"
            f" version {VERSION}: update the older one of the two servers."
        )
    return read_bounded(MANIFEST, text, Manifest)


def _refuse_odd_values(value: Any) -> None:
    """What no store keeps, or no page shows. Raises ValueError."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            for name in one:
                if not FIELD_NAME.fullmatch(name):
                    raise ValueError(f"a field is named {json.dumps(name)}")
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            if len(one) > LONGEST_TEXT or CONTROL.search(one):
                raise ValueError("a text is too long, or has a character that cannot be shown")
        elif isinstance(one, int | float) and not abs(one) <= LARGEST_NUMBER:
            raise ValueError("a number is too large" if not math.isnan(one) else "not a number")


@contextmanager
def _damage_said(name: str) -> Iterator[None]:
    try:
        with broken_archives(name):
            yield
    except BadArchive as error:
        raise BrokenPersonFile(f"{error.detail}.") from error
    except OSError as error:
        raise BrokenPersonFile(f"{name} cannot be read: {error.strerror}.") from error


def _small(archive: zipfile.ZipFile, name: str, most: int = LARGEST_FILE) -> bytes:
    if name not in archive.NameToInfo:
        raise BrokenPersonFile(f"{name} is missing: it is not a person's file, or was cut off.")
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise BrokenPersonFile(f"{name} is larger than any such file.")
    return content


def _compare(one: ManifestFile, pieces: Iterator[bytes], *, keep: bool = False) -> list[bytes]:
    """The pieces, where they are to be kept. Raises BrokenPersonFile."""
    digest, size, kept = hashlib.sha256(), 0, list[bytes]()
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if size > one.bytes:
            break
        if keep:
            kept.append(piece)
    if (size, digest.hexdigest()) != (one.bytes, one.sha256):
        raise BrokenPersonFile(f"{shown(one.path)} is not the file that was signed.")
    return kept
