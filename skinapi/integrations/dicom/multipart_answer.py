"""What a client accepts, and the answer of several parts (multipart/related, RFC 2387)."""

import re
from collections.abc import Iterable, Iterator
from secrets import token_hex

from skinapi.base.errors import SkinAPIError

OBJECTS, OBJECT, FRAME = "multipart/related", "application/dicom", "image/jpeg"
# https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.3.5.2
UNCOMPRESSED = "1.2.840.10008.1.2.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
SYNTAXES = (UNCOMPRESSED, JPEG_BASELINE, "*")

WISH = re.compile(r'(?:[^,"]+|"[^"]*"?)+')
QUALITY = re.compile(r"[01](?:\.\d{0,3})?")


class NotAcceptable(SkinAPIError):
    status, code = 406, "not_acceptable"
    sentence = "What the Accept header asks for is not given here"


def choose_syntax(accept: str | None) -> str:
    """In which transfer syntax the objects are sent, by the first of the client's wishes that can
    be granted: UNCOMPRESSED where none is named, as the standard asks; `*` as they are kept. Raises
    NotAcceptable.
    """
    for kind, told in _wishes(accept):
        syntax = told.get("transfer-syntax", UNCOMPRESSED)
        if kind == "*/*":
            return UNCOMPRESSED
        if kind == OBJECTS and told.get("type", OBJECT) == OBJECT and syntax in SYNTAXES:
            return syntax
    raise NotAcceptable(
        f'Accept {OBJECTS}; type="{OBJECT}" with one of the transfer syntaxes {", ".join(SYNTAXES)}'
    )


def refuse_other_types(accept: str | None, *offered: str) -> None:
    """Raises NotAcceptable where the client takes none of these; without a header it takes any."""
    groups = {f"{one.partition('/')[0]}/*" for one in offered}
    for kind, told in _wishes(accept):
        wanted = told.get("type", kind) if kind == OBJECTS else kind
        if wanted in {"*/*", *groups, *offered}:
            return
    raise NotAcceptable(f"Accept {' or '.join(offered)}")


def _wishes(accept: str | None) -> list[tuple[str, dict[str, str]]]:
    """The media types of the header with their parameters, the most wanted first. Many clients
    leave out the quotation marks around `application/dicom`, which werkzeug does not read.
    """
    wishes = []
    for text in WISH.findall(accept or "*/*"):
        kind, *rest = (one.strip() for one in text.split(";"))
        pairs = (one.partition("=") for one in rest)
        told = {name.strip().lower(): value.strip(' "') for name, _, value in pairs}
        wishes.append((kind.lower(), told))
    return sorted(wishes, key=lambda wish: -_quality(wish[1].get("q", "1")))


def _quality(text: str) -> float:
    return float(text) if QUALITY.fullmatch(text) else 0.0


def stream_parts(parts: Iterable[bytes], kind: str) -> tuple[str, Iterator[bytes]]:
    """The media type of the answer, and its body, one part after the other."""
    boundary = token_hex(16)

    def body() -> Iterator[bytes]:
        for part in parts:
            head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Length: {len(part)}\r\n\r\n"
            yield head.encode()
            yield part
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    quoted = kind.partition(";")[0]
    return f'{OBJECTS}; type="{quoted}"; boundary={boundary}', body()
