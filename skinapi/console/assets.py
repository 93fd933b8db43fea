"""The files of the console, as they are sent."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skinapi.languages import Language, in_each_language

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
COMPRESSED = {".html", ".css", ".js", ".svg"}


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    mimetype: str
    etag: str
    compressible: bool

    @classmethod
    def read(cls, path: Path) -> "Asset":
        content = path.read_bytes()
        etag = hashlib.sha256(content).hexdigest()[:20]
        return cls(content, TYPES[path.suffix], etag, path.suffix in COMPRESSED)

    @cached_property
    def zipped(self) -> bytes:
        """Compressed at its first request."""
        return gzip.compress(self.content, mtime=0)


# Read once: the files are a part of the program, and no request reaches another one.
ASSETS = {
    path.relative_to(STATIC).as_posix(): Asset.read(path)
    for path in sorted(STATIC.rglob("*"))
    if path.suffix in TYPES
}
WORDS: Mapping[Language, Asset] = in_each_language(
    {name.split(".")[1]: asset for name, asset in ASSETS.items() if name.startswith("words.")}
)
