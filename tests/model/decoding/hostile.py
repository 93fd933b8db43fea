import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from PIL import Image

from tests.model.photos import encoded, skin_with_spot
from tests.support.size import in_drill, size

Files = dict[str, bytes]
Family = Callable[[], Iterator[tuple[str, bytes]]]
WEB = b"<html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
BOMB_SIZES = ((50_000, 50_000), (16_383, 16_383), (65_000, 400), (8_000, 8_100))
STRIP = 16_000_000


@cache
def valid() -> Files:
    picture = skin_with_spot((160, 120))
    return {
        "jpeg": encoded(picture),
        "progressive": encoded(picture, progressive=True),
        "png": encoded(picture, "PNG"),
        "webp": encoded(picture, "WEBP"),
        "lossless": encoded(picture, "WEBP", lossless=True),
    }


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("evil.html", WEB)
    return out.getvalue()


def fewer(name: str) -> int:
    """Take fewer, because a process is started for each lossless WebP."""
    return 4 if name == "lossless" else 24


def truncations() -> Iterator[tuple[str, bytes]]:
    for name, content in valid().items():
        count = size(fewer(name), 200)
        for cut in np.linspace(0, len(content) - 1, count).astype(int).tolist():
            yield f"{name} cut at {cut}", content[:cut]


def byte_flips() -> Iterator[tuple[str, bytes]]:
    random = np.random.default_rng(11)
    for name, content in valid().items():
        for number in range(size(fewer(name), 400)):
            damaged = bytearray(content)
            reach = 64 if number % 2 else len(content)
            for place in random.integers(0, reach, 1 + number % 5).tolist():
                damaged[place] ^= int(random.integers(1, 256))
            yield f"{name} flipped {number}", bytes(damaged)


def noise() -> Iterator[tuple[str, bytes]]:
    random = np.random.default_rng(12)
    magics = {"bare": b"", "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n"}
    magics |= {"webp": b"RIFF\x00\x10\x00\x00WEBPVP8 ", "vp8x": b"RIFF\x00\x10\x00\x00WEBPVP8X"}
    for name, magic in magics.items():
        for number in range(8):
            yield f"noise {name} {number}", magic + random.bytes(8 * 4**number % 40_000)


def other_kinds() -> Iterator[tuple[str, bytes]]:
    picture = skin_with_spot((64, 48))
    for format_ in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "ICNS", "PDF", "JPEG2000"):
        yield f"a {format_}", encoded(picture, format_)
    yield from {
        "nothing": b"",
        "one byte": b"\xff",
        "text": b"hello",
        "html": WEB,
        "svg": SVG,
        "zip": archive(),
        "pdf": PDF,
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage",
        "heic": b"\x00\x00\x00\x18ftypheic" + bytes(64),
        "mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(64),
        "of_an_archive": bytes(128) + b"DICM" + bytes(64),
        "executable": b"\x7fELF" + bytes(64),
        "zeros": bytes(100_000),
    }.items()


def moving() -> Iterator[tuple[str, bytes]]:
    frames = [skin_with_spot((48, 48), grain=grain) for grain in (2, 5, 9)]
    for format_ in ("GIF", "PNG", "WEBP"):
        yield (
            f"moving {format_}",
            encoded(frames[0], format_, save_all=True, append_images=frames[1:]),
        )


def polyglots() -> Iterator[tuple[str, bytes]]:
    tails = {"html": WEB, "svg": SVG, "pdf": PDF, "zip": archive(), "php": b"<?php evil(); ?>"}
    for name, content in valid().items():
        for kind, tail in tails.items():
            yield f"{name} with {kind} behind", content + tail


def inverted_polyglots() -> Iterator[tuple[str, bytes]]:
    for name, content in valid().items():
        yield f"html before {name}", WEB + content
        yield f"pdf before {name}", PDF + content
        yield f"gif before {name}", encoded(Image.new("P", (4, 4)), "GIF") + content


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def in_several_scans(content: bytes) -> bytes:
    """A sequential JPEG whose first scan has one component: a decoder must hold the whole in
    memory.
    """
    at = content.index(b"\xff\xda")
    (length,) = struct.unpack_from(">H", content, at + 2)
    first = content[at + 5 : at + 7]
    head = b"\xff\xda" + struct.pack(">HB", 8, 1) + first + b"\x00\x3f\x00"
    return content[:at] + head + content[at + 2 + length :]


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    kind: int = 2,
    data: bytes = b"",
    packed: bytes | None = None,
) -> bytes:
    """A PNG with valid checksums, whatever its header claims; `packed` replaces the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed or zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*both) for both in chunks)


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def jpeg_of(width: int, height: int, *, progressive: bool) -> bytes:
    content = bytearray(valid()["progressive" if progressive else "jpeg"])
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


@cache
def _blank(length: int) -> bytes:
    return zlib.compress(bytes(length), 1)


def bombs() -> Iterator[tuple[str, bytes]]:
    for width, height in BOMB_SIZES:
        claim = f"{width}x{height}"
        yield f"png {claim}", png(width, height)
        yield f"grey png {claim}", png(width, height, depth=1, kind=0, data=bytes(100_000))
        yield f"jpeg {claim}", jpeg_of(width, height, progressive=False)
        yield f"progressive {claim}", jpeg_of(width, height, progressive=True)
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        yield f"webp canvas {claim}", webp(b"VP8X", bytes(4) + canvas + bytes(20))
        if max(width, height) <= 1 << 14:
            packed = (width - 1) | (height - 1) << 14
            yield (
                f"webp lossless {claim}",
                webp(b"VP8L", b"\x2f" + packed.to_bytes(4, "little") + bytes(40)),
            )
            frame = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
            yield f"webp lossy {claim}", webp(b"VP8 ", frame + bytes(40))
    for width, height in ((1, STRIP), (STRIP, 1)):
        yield f"strip {width}x{height}", png(width, height, packed=_blank(height * (1 + 3 * width)))
    yield "jpeg in several scans", in_several_scans(jpeg_of(7_000, 7_000, progressive=False))
    content = valid()["progressive"]
    scan = content[content.rindex(b"\xff\xda") : -2]
    yield "five thousand scans", content[:-2] + scan * 5000 + content[-2:]


def heavy_words() -> Iterator[tuple[str, bytes]]:
    """A sound picture whose metadata unpacks to a thousand times its size, or claims to."""
    content, packed = valid()["png"], _blank(200_000_000)
    for name in (b"zTXt", b"iTXt", b"iCCP"):
        body = b"words\x00" + (b"\x01\x00\x00\x00" if name == b"iTXt" else b"\x00") + packed
        yield f"png {name.decode()}", content[:33] + chunk(name, body) + content[33:]
    text = chunk(b"zTXt", b"words\x00\x00" + zlib.compress(bytes(1_000_000), 1))
    yield "png of sixty texts", content[:33] + text * 60 + content[33:]
    vast = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x04\x00" + b"\xff" * 12
    yield "exif that claims four billion values", encoded(skin_with_spot((160, 120)), exif=vast)


def many_parts(most: int = size(2_000_000, 9_900_000)) -> Iterator[tuple[str, bytes]]:
    """A sound picture in a file of `most` bytes that is filled with tiny parts, or with metadata
    that is costly to read.
    """
    files = valid()
    for name, segment in {
        "APP1": b"\xff\xe1\x00\x02",
        "APP5": b"\xff\xe5\x00\x03A",
        "COM": b"\xff\xfe\x00\x02",
        "DQT": b"\xff\xdb\x00\x02",
        "fill": b"\xff",
        "zeros": b"\x00",
        "RST": b"\xff\xd0",
        "TEM": b"\xff\x01",
        "stuffing": b"\xff\x00",
    }.items():
        filling = segment * (most // len(segment))
        jpeg, scan = files["jpeg"], files["progressive"].rindex(b"\xff\xda")
        yield f"jpeg {name} before", jpeg[:2] + filling + jpeg[2:]
        yield f"jpeg {name} behind", jpeg[:-2] + filling + jpeg[-2:]
        scans = files["progressive"][:scan], files["progressive"][scan:]
        yield f"jpeg {name} between scans", scans[0] + filling + scans[1]
    for name, body in _long_metadata().items():
        marker, length = body[:1], len(body) + 1
        segment = b"\xff" + marker + struct.pack(">H", length) + body[1:]
        yield f"jpeg {name}", jpeg[:2] + segment * (most // len(segment)) + jpeg[2:]
    content = files["png"]
    packed = zlib.compress(bytes(999_000), 9)[:-1] + b"x"
    for name, item in {
        "private": chunk(b"prVt", b""),
        "data": chunk(b"IDAT", b""),
        "text": chunk(b"tEXt", b"a\x00b"),
        "damaged text": chunk(b"zTXt", b"a\x00\x00" + packed),
        "damaged profile": chunk(b"iCCP", b"a\x00\x00" + packed),
    }.items():
        filling = item * (most // len(item))
        yield f"png {name} before", content[:33] + filling + content[33:]
        yield f"png {name} behind", content[:-12] + filling + content[-12:]
    for kind_of_chunk in (b"abcd", b"EXIF"):
        filling = (kind_of_chunk + bytes(4)) * (most // 8)
        for kind in ("webp", "lossless"):
            whole = files[kind] + filling
            yield (
                f"{kind} {kind_of_chunk.decode()}",
                whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:],
            )


def _long_metadata() -> Files:
    """Return the marker and the body of segments of 64 KB."""
    tags = b"".join(struct.pack("<HHII", number, 3, 1, 0) for number in range(5400))
    ifd = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 5400) + tags + bytes(4)
    index = struct.pack("<HHII", 0xB001, 4, 1, 65_535) + struct.pack("<HHII", 0xB002, 7, 60_000, 0)
    mpf = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 2) + index + bytes(60_000)
    block = b"8BIM\x04\x04\x00\x00\x00\x00\x00\x00"
    return {
        "exif of many tags": b"\xe1Exif\x00\x00" + ifd,
        "index of many pictures": b"\xe2MPF\x00" + mpf,
        "photoshop blocks": b"\xedPhotoshop 3.0\x00" + block * 5400,
        "profile": b"\xe2ICC_PROFILE\x00\x01\xff" + bytes(65_000),
        "tables": b"\xdb" + (b"\x00" + bytes(range(1, 65))) * 1000,
    }


def greedy() -> Iterator[tuple[str, bytes]]:
    """Within the bounds, and close to them: files of a few kilobytes."""

    def grey(width: int, height: int) -> Image.Image:
        return Image.new("RGB", (width, height), (120, 120, 120))

    colour = grey(4_000, 4_000)
    for mode in ("RGB", "RGBA", "P", "1", *in_drill("LA")):
        yield f"greedy png {mode}", encoded(colour.convert(mode), "PNG", compress_level=1)
    for format_ in ("JPEG", *in_drill("PNG")):
        yield f"greedy wide {format_}", encoded(grey(12_000, 890), format_)
    for sides, subsampling in (((4_000, 3_000), 0), ((4_600, 4_600), 2)):
        yield (
            f"greedy progressive {sides}",
            encoded(grey(*sides), progressive=True, subsampling=subsampling),
        )
    for lossless in (False, True):
        yield (
            f"greedy webp, lossless: {lossless}",
            encoded(
                grey(2_300, 1_300) if lossless else grey(2_560, 2_048), "WEBP", lossless=lossless
            ),
        )
    deep = Image.fromarray(np.full((4_000, 4_000), 30_000, np.uint16))
    yield "greedy png 16 bits", encoded(deep, "PNG", compress_level=1)


def webp_of_many_tables(side: int = 1024) -> bytes:
    """A lossless WebP with 65,536 groups of prefix codes, one for each tile of 4 x 4 pixels.
    https://developers.google.com/speed/webp/docs/webp_lossless_bitstream_specification
    """
    bits: list[int] = []

    def put(value: int, many: int) -> None:
        """The lowest bit comes first, as in all numbers of the format."""
        bits.extend(value >> place & 1 for place in range(many))

    def put_one_symbol() -> None:
        """A prefix code with the symbol 0 alone, which then takes no bits."""
        put(0b0001, 4)

    def put_equal_lengths(alphabet: int) -> None:
        """A prefix code that gives the first 256 symbols eight bits each."""
        put(0, 1)
        put(8, 4)  # the lengths of twelve code lengths follow, in the format's own order
        for place in range(12):
            put(place in (2, 11), 3)  # those of the lengths 0 and 8 are one bit
        put(0, 1)
        bits.extend(int(symbol < 256) for symbol in range(alphabet))

    put(0x2F, 8)
    put(side - 1, 14)
    put(side - 1, 14)
    put(0, 1 + 3 + 1 + 1)  # no transparency, version 0, no transform, no colour cache
    put(1, 1)
    put(0, 3)  # tiles of 4 x 4
    put(0, 1)
    put_equal_lengths(280)  # green, the low byte of a tile's group
    put_equal_lengths(256)  # red, the high byte
    for _ in range(3):
        put_one_symbol()
    for group in range((side // 4) ** 2):
        for byte in (group & 255, group >> 8):
            bits.extend(byte >> place & 1 for place in reversed(range(8)))
    for _ in range(65_536 * 5):
        put_one_symbol()
    put(0, 64)
    return webp(b"VP8L", np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes())


def arithmetic(content: bytes) -> bytes:
    frames = {b"\xff\xc0": b"\xff\xc9", b"\xff\xc2": b"\xff\xca"}
    for frame, coded in frames.items():
        content = content.replace(frame, coded, 1)
    return content


def odd_sizes() -> Iterator[tuple[str, bytes]]:
    for sides in ((1, 1), (1, 3000), (3000, 1), (7, 448), (2, 2)):
        for format_ in ("JPEG", "PNG", "WEBP"):
            yield f"{format_} {sides}", encoded(Image.new("RGB", sides, "tan"), format_)
    yield "png of no width", png(0, 10)
    yield "jpeg of no height", jpeg_of(10, 0, progressive=False)


def odd_modes() -> Iterator[tuple[str, bytes]]:
    picture = skin_with_spot((160, 120))
    grey = np.asarray(picture.convert("L"))
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield f"png {mode}", encoded(picture.convert(mode), "PNG")
    for mode in ("CMYK", "L"):
        yield f"jpeg {mode}", encoded(picture.convert(mode))
    clear = picture.convert("RGBA")
    clear.putalpha(Image.fromarray(255 - grey))
    yield "png half clear", encoded(clear, "PNG")
    yield "webp half clear", encoded(clear, "WEBP")
    yield "png clear colour", encoded(picture, "PNG", transparency=picture.getpixel((0, 0)))
    yield "png clear palette", encoded(picture.convert("P"), "PNG", transparency=0)
    deep = grey.astype(np.uint16) * 257
    yield "png 16 bits grey", encoded(Image.fromarray(deep), "PNG")
    rows = np.repeat(deep.byteswap(), 3, axis=1)
    lines = b"".join(b"\x00" + row.tobytes() for row in rows)
    yield "png 16 bits colour", png(160, 120, depth=16, kind=2, data=lines)


def odd_metadata() -> Iterator[tuple[str, bytes]]:
    picture, random = skin_with_spot((160, 120)), np.random.default_rng(13)
    for number in range(12):
        exif = b"Exif\x00\x00" + (b"MM\x00*" if number % 2 else b"") + random.bytes(number * 7)
        yield f"jpeg, damaged exif {number}", encoded(picture, exif=exif)
        yield f"webp, damaged exif {number}", encoded(picture, "WEBP", exif=exif)
    for turn in (0, 9, 255, 65535):
        tags = Image.Exif()
        tags[0x0112] = turn
        yield f"jpeg turned {turn}", encoded(picture, exif=tags)
    own = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00"
    yield "exif that points at itself", encoded(picture, exif=own + b"\x00\x00\x08\x00\x00\x00")
    for number, profile in enumerate((b"", b"x", random.bytes(900), bytes(70_000))):
        for format_ in ("JPEG", "PNG", "WEBP"):
            yield (
                f"{format_}, odd profile {number}",
                encoded(picture, format_, icc_profile=profile),
            )
    yield "jpeg with a remark", encoded(picture, comment=WEB)


TAKEN = (odd_modes, odd_metadata, polyglots)
REFUSED = (bombs, moving, other_kinds, inverted_polyglots)
EITHER = (truncations, byte_flips, noise, heavy_words, many_parts, odd_sizes)
EVERY = (*TAKEN, *REFUSED, *EITHER)
