"""Malicious archives, each with the status that it must get. Most are generated from a few
parameters, so that the drill has two hundred different ones.
"""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.lab.sending import labelled, tarred, zipped

ESCAPES = (
    "../outside.jpg",
    "a/../../outside.jpg",
    "a\\..\\..\\outside.jpg",
    "/etc/outside.jpg",
    "C:\\outside.jpg",
    "bell\x07.jpg",
    "x" * 600 + ".jpg",
)
TWINS = (
    ("a.jpg", "A.jpg"),
    ("mel/a.jpg", "MEL/a.JPG"),
    ("\u00e4.jpg", "a\u0308.jpg"),
    ("a/b.jpg", "a\\b.jpg"),
)
TAR_KINDS = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
LINKS = ("/etc/passwd", "p0.jpg")
ZIP_KINDS = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
BOMB_MB = 64
GLOBAL_HEADERS = 100


@dataclass(frozen=True)
class Hostile:
    name: str
    file: str
    content: Callable[[], bytes]


def all_archives(*, crowded_tar: bool = True) -> list[Hostile]:
    crowded = [Hostile("tgz of 60,000 entries", "a.tgz", _crowded_tar)] if crowded_tar else []
    return [hostile for kind in _kinds() for hostile in kind] + crowded


def one_of_each_kind() -> list[Hostile]:
    return [next(kind) for kind in _kinds()]


def _kinds() -> list[Iterator[Hostile]]:
    return [
        _escapes(), _twins(), _special_tars(), _special_zips(),
        _bombs(), _broken(), headers(), crowds(),
    ]  # fmt: skip


def _escapes() -> Iterator[Hostile]:
    for name in ESCAPES:
        yield from _in_each_kind(f"with {name[:30]!r}", {**labelled(2), name: b"x"})
        inside = {**labelled(2), f"{name}/deep.jpg": b"x"}
        yield Hostile(f"zip under {name[:30]!r}", "a.zip", partial(zipped, inside))
        yield Hostile(f"tar under {name[:30]!r}", "a.tar", partial(tarred, inside))


def _twins() -> Iterator[Hostile]:
    for item, other in TWINS:
        files = {**labelled(2), item: b"x", other: b"y"}
        yield from _in_each_kind(f"of {item!r} and {other!r}", files)


def _in_each_kind(said: str, files: dict[str, bytes]) -> Iterator[Hostile]:
    yield Hostile(f"zip {said}", "a.zip", partial(zipped, files))
    yield Hostile(f"tar {said}", "a.tar", partial(tarred, files))
    yield Hostile(f"tgz {said}", "a.tgz", partial(tarred, files, "w:gz"))


def _special_tars() -> Iterator[Hostile]:
    for kind in TAR_KINDS:
        for target in LINKS:
            for mode, suffix in (("w", "tar"), ("w:gz", "tgz")):
                yield Hostile(
                    f"{suffix}, kind {kind!r} to {target}",
                    f"a.{suffix}",
                    partial(_tar_with, kind, target, mode),
                )


def _tar_with(kind: bytes, target: str, mode: str) -> bytes:
    files = labelled(2)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        special = tarfile.TarInfo("special.jpg")
        special.type, special.linkname = kind, target
        archive.addfile(special)
    return out.getvalue()


def _special_zips() -> Iterator[Hostile]:
    for kind in ZIP_KINDS:
        for target in LINKS:
            yield Hostile(
                f"zip, kind {kind:o} to {target}",
                "a.zip",
                partial(_zip_with, kind, target.encode()),
            )


def _zip_with(kind: int, target: bytes) -> bytes:
    out = io.BytesIO(zipped(labelled(2)))
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("special.jpg")
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(entry, target)
    return out.getvalue()


def _bombs() -> Iterator[Hostile]:
    for name in ("bomb.jpg", "bomb.csv", "mel/bomb.png"):
        yield Hostile(f"zip bomb {name}", "a.zip", partial(_bomb, name, "zip"))
        yield Hostile(f"tgz bomb {name}", "a.tgz", partial(_bomb, name, "tgz"))
    yield Hostile("bomb in a skipped file", "a.tgz", partial(_bomb, ".hidden", "tgz"))
    yield Hostile("bomb in parts", "a.zip", _parts)


def _bomb(name: str, kind: str) -> bytes:
    files = {name: bytes(BOMB_MB * 2**20)}
    return zipped(files) if kind == "zip" else tarred(files, "w:gz")


def _parts() -> bytes:
    part = bytes(BOMB_MB * 2**20 // 64)
    return zipped({f"{number}.jpg": part for number in range(64)})


def _broken() -> Iterator[Hostile]:
    files = labelled(3)
    whole = {"zip": zipped(files), "tar": tarred(files), "tgz": tarred(files, "w:gz")}
    for suffix, content in whole.items():
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            cut = content[: int(len(content) * share)]
            yield Hostile(f"{suffix} cut at {share}", f"a.{suffix}", partial(bytes, cut))
        junk = bytes(range(256)) * 40
        yield Hostile(f"{suffix} of junk", f"a.{suffix}", partial(bytes, junk))
        yield Hostile(f"empty {suffix}", f"a.{suffix}", partial(bytes, b"x"))
        for at in (0.2, 0.4, 0.6):
            if suffix != "tar":  # a tar has no checksum over its files
                spoiled = bytearray(content)
                place = int(len(content) * at)
                spoiled[place : place + 64] = b"\xff" * 64
                made = partial(bytes, spoiled)
                yield Hostile(f"{suffix} spoiled at {at}", f"a.{suffix}", made)

    # The library takes both for the end of the archive.
    second = whole["tar"].index(b"p0.jpg")
    for suffix, pack in (("tar", bytes), ("tgz", gzip.compress)):
        cut = whole["tar"][:second]
        yield Hostile(f"{suffix} cut between files", f"a.{suffix}", partial(pack, cut))
        broken = cut + b"q" + whole["tar"][second + 1 :]
        yield Hostile(f"{suffix} with a broken header", f"a.{suffix}", partial(pack, broken))


def headers() -> Iterator[Hostile]:
    yield Hostile("tgz of 3,000 headers in a row", "a.tgz", _chained_headers)
    yield Hostile("tgz with a list of sparse parts", "a.tgz", _sparse_list)
    content = zipped(labelled(2))
    at = content.index(b"PK\x01\x02")
    for offset, value, name in (
        (8, b"\x01\x00", "encrypted"),
        (10, b"\x0c\x00", "bzip2"),
        (10, b"\x0e\x00", "lzma"),
        (10, b"\x63\x00", "an unknown method"),
        (16, b"\0\0\0\0", "a wrong CRC"),
        (24, b"\x01\0\0\0", "a size that is too small"),
    ):
        changed = bytearray(content)
        changed[at + offset : at + offset + len(value)] = value
        yield Hostile(f"zip, {name}", "a.zip", partial(bytes, changed))
    yield Hostile("tgz with a long name", "a.tgz", _long_name)
    yield Hostile("tar with a long header", "a.tar", _long_header)
    yield Hostile("tgz with a long header", "a.tgz", partial(_long_header, "w:gz"))


def _long_header(mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("a.jpg")
        entry.pax_headers = {"comment": "x" * 2**20}
        archive.addfile(entry)
    return out.getvalue()


def _tgz_of(*blocks: bytes) -> bytes:
    return gzip.compress(b"".join(blocks) + bytes(10_240), compresslevel=1)


def _block(kind: bytes, content: bytes, name: str = "a.jpg") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, len(content)
    return entry.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def _chained_headers() -> bytes:
    """Python reads each header from within the previous one."""
    name = _block(tarfile.GNUTYPE_LONGNAME, b"a.jpg\0")
    return _tgz_of(name * 3000, _block(tarfile.REGTYPE, b""))


def _long_name() -> bytes:
    return _tgz_of(_block(tarfile.GNUTYPE_LONGNAME, b"a" * 20_000_000))


def tar_of_global_headers() -> bytes:
    """Python keeps each header, and copies all for each entry."""
    blocks = []
    for number in range(GLOBAL_HEADERS):
        field = b"50009 %05d=%s\n" % (number, b"x" * 49_996)
        blocks += [_block(tarfile.XGLTYPE, field), _block(tarfile.REGTYPE, b"", f"{number}.jpg")]
    return _tgz_of(*blocks)


def _sparse_list() -> bytes:
    """Python reads the whole list of the parts of a file that has none."""
    version = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    parts = b"%d\n" % 500_000 + b"0\n" * 1_000_000
    return _tgz_of(_block(tarfile.XHDTYPE, version), _block(tarfile.REGTYPE, parts))


def crowds() -> Iterator[Hostile]:
    yield Hostile("zip of 60,000 entries that says 5", "a.zip", partial(_crowded_zip, said=5))
    yield Hostile("zip of 60,000 entries that ZIP64 alone tells", "a.zip", _crowded_zip64)
    yield Hostile("zip with long extra fields", "a.zip", _long_extra_fields)
    yield Hostile("zip of 60,000 entries", "a.zip", _crowded_zip)


def _crowded_zip(said: int | None = None, count: int = 60_000) -> bytes:
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 5) + bytes(16)
    entries = b"".join(entry + b"%05d" % number for number in range(count))
    number = count if said is None else said
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, len(entries), 0, 0)
    return entries + end


def _crowded_zip64(count: int = 60_000) -> bytes:
    """The end record shows one entry, and that of ZIP64 the directory that Python reads."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    entries = entry * count
    sizes = (count, count, len(entries), 0)
    larger = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *sizes)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(entries), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), 0, 0)
    return entries + larger + locator + end


def _long_extra_fields(count: int = 200) -> bytes:
    """Python's time grows with the square of each one's length: 9 s of CPU for 26 MB."""
    extra = bytes(65_532)
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<2H", 1, len(extra)) + bytes(14)
    entries = (entry + b"a" + extra) * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), 0, 0)
    return entries + end


def _crowded_tar(count: int = 60_000) -> bytes:
    entry = tarfile.TarInfo("a").tobuf()
    block = io.BytesIO()
    with tarfile.open(fileobj=block, mode="w:gz", compresslevel=1) as archive:
        fileobj = archive.fileobj
        assert fileobj
        fileobj.write(entry * count)
    return block.getvalue()
