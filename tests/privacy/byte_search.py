"""Searches all bytes of files for what is left of a person.

What it sees: texts as UTF-8, as JSON and URLs escape them, and in Base64 at each alignment, also a
part of 24 bytes of a longer one; pieces of 64 bytes of a file, at any place, also in Base64; gzip
members and entries of ZIP files, unpacked; and each JPEG, PNG and WebP, decoded, which looks like
one of the person's photos, so also a thumbnail. What it does not see: what another program packs
(Snappy and zstd of MongoDB, streams of a PDF), and what is encrypted.
"""

import base64
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

WINDOW, KEY = 64, 8  # a piece of a file, and its first bytes, by which it is looked up
TEXT_PART = 24
THREE_BYTES = 2**24 - 1
PART = 2**20
FEWEST_VALUES = 24  # of a piece: others are zeros, or a table that each JPEG has
MOST_PACKED, MOST_UNPACKED = 4 * 2**20, 64 * 2**20
MOST_PICTURE = 2**20
# Six bytes of a JPEG or more: three also stand in a store's pages by chance.
PICTURES = re.compile(
    rb"\xff\xd8\xff(?:[\xe0\xe1]..(?:JFIF|Exif)|\xdb\x00[\x43\x84])"
    rb"|\x89PNG\r\n\x1a\n|RIFF....WEBP",
    re.DOTALL,
)
SCAN = b"\xff\xda"
PACKED = re.compile(rb"\x1f\x8b\x08|PK\x03\x04")
ALIKE = 5.0  # mean difference of grey levels; photos of other spots differ by 15 and more
SIDE = 24
ZIP_HEAD = struct.Struct("<8xH16xHH")  # method, lengths of name and extra field


@dataclass(frozen=True, order=True)
class Hit:
    file: Path
    offset: int
    mark: str


@dataclass
class ByteSearch:
    """`texts` (of 8 bytes and more) and `files` are the person's, by name; `pictures` are encoded.
    No piece of `others` is looked for: what is theirs as well says nothing.
    """

    texts: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    others: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        theirs = b"".join(self.others)
        pieces = {
            piece: f"a piece of {name}"
            for name, content in self.files.items()
            for piece in _pieces(content)
            if piece not in theirs
        }
        words = {part: name for name, text in self.texts.items() for part in _forms(text)}
        self._names = pieces | words
        self._needles: dict[int, list[bytes]] = {}
        for needle in self._names:
            self._needles.setdefault(int.from_bytes(needle[:KEY], "little"), []).append(needle)
        self._begins = np.zeros(THREE_BYTES + 1, dtype=bool)
        self._begins[[key & THREE_BYTES for key in self._needles]] = True
        self._looks = {name: _look(content) for name, content in self.pictures.items()}

    def search(self, places: Iterable[Path]) -> list[Hit]:
        """In each file of these folders, and each of these files."""
        files = (path for place in places for path in _files(place))
        return sorted(hit for path in files for hit in self._search_file(path))

    def _search_file(self, path: Path) -> Iterator[Hit]:
        with suppress(FileNotFoundError):  # a server has removed it meanwhile
            for offset, mark in self.search_bytes(path.read_bytes()):
                yield Hit(path, offset, mark)
        for _, mark in self.search_bytes(str(path).encode()):
            yield Hit(path, 0, f"{mark}, in the name of the file")

    def search_bytes(self, data: bytes, depth: int = 0) -> Iterator[tuple[int, str]]:
        for begin in range(0, len(data), PART):
            part = data[begin : begin + PART + WINDOW + KEY]  # a needle may lie across the border
            if part.count(0) < len(part):
                yield from ((begin + offset, mark) for offset, mark in self._needles_in(part))
        yield from self._pictures_in(data)
        if depth < 2:
            for offset, kind, content in _unpacked(data):
                for _, mark in self.search_bytes(content, depth + 1):
                    yield offset, f"{mark}, in {kind}"

    def _needles_in(self, data: bytes) -> Iterator[tuple[int, str]]:
        for shift in range(KEY):
            many = (len(data) - shift) // KEY
            if many < 1:
                return
            numbers = np.frombuffer(data, dtype="<u8", count=many, offset=shift)
            for at in np.flatnonzero(self._begins[numbers & THREE_BYTES]):
                offset = int(at) * KEY + shift
                for needle in self._needles.get(int(numbers[at]), ()):
                    if data.startswith(needle, offset):
                        yield offset, self._names[needle]

    def _pictures_in(self, data: bytes) -> Iterator[tuple[int, str]]:
        for found in PICTURES.finditer(data) if self._looks else ():
            try:
                look = _look(data[found.start() : found.start() + MOST_PICTURE])
            except (OSError, ValueError, SyntaxError, zlib.error, Image.DecompressionBombError):
                continue  # the beginning of no picture
            for name, wanted in self._looks.items():
                if float(np.abs(look - wanted).mean()) < ALIKE:
                    yield found.start(), f"a picture like {name}"


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        yield from sorted(path for path in place.rglob("*") if path.is_file())


def _forms(text: str) -> Iterator[bytes]:
    """How a text is written, whole and in parts."""
    plain = text.encode()
    escaped = json.dumps(text)[1:-1].encode()
    if len(plain) < KEY:
        raise ValueError("too short to be looked for")
    for form in {plain, escaped, quote(text).encode(), plain.lower()}:
        yield form
        yield from (
            form[at : at + TEXT_PART] for at in range(0, len(form) - TEXT_PART + 1, TEXT_PART)
        )
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + plain)
        # Without what the bytes around it have a part in.
        begin, end = (0, 2, 3)[shift], len(coded) - (4 if coded.endswith(b"=") else 0)
        if end - begin >= 16:
            yield coded[begin:end]


def _pieces(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"\xff\xd8"):
        content = content[content.find(SCAN) :]  # the tables before are alike in many JPEGs
    coded = (base64.b64encode(content[shift:]) for shift in range(3))
    for form in (content, *coded):
        for at in range(0, len(form) - WINDOW, WINDOW):
            piece = form[at : at + WINDOW]
            if len(set(piece)) >= FEWEST_VALUES:
                yield piece


def _look(content: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """A small copy of a picture."""
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
        small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _unpacked(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Where gzip members and entries of ZIP files begin, and what is in them."""
    for found in PACKED.finditer(data):
        offset, kind, wbits, begin = found.start(), "gzip", 31, found.start()
        if found[0].startswith(b"PK"):
            head = data[offset : offset + ZIP_HEAD.size]
            if len(head) < ZIP_HEAD.size or ZIP_HEAD.unpack(head)[0] != zipfile.ZIP_DEFLATED:
                continue  # as it is, so it was searched
            _, name, extra = ZIP_HEAD.unpack(head)
            kind, wbits, begin = "ZIP", -15, offset + ZIP_HEAD.size + name + extra
        with suppress(zlib.error):
            yield offset, kind, _inflated(data[begin : begin + MOST_PACKED], wbits)


def _inflated(packed: bytes, wbits: int) -> bytes:
    return zlib.decompressobj(wbits).decompress(packed, MOST_UNPACKED)
