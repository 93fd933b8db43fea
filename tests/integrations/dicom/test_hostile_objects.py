import errno
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import features
from pydicom.encaps import encapsulate
from pydicom.uid import UID

import skinapi.integrations.dicom.routes as routes_module
from skinapi.integrations.dicom.stow import Failure
from skinapi.platform.web.declaration import route_of
from tests.integrations.dicom.sent_objects import (
    BOUNDARY,
    DEFLATED,
    EXPLICIT,
    JPEG,
    JPEG_2000,
    RELATED,
    body_of,
    describe,
    file_of,
    header_of,
    jpeg_object,
    raw_object,
)
from tests.integrations.dicom.test_receiving import FAILED, OTHERS, PIXELS, send
from tests.support.backends import Backend, Person, put_in
from tests.support.photos import photo_of
from tests.support.size import size

PHOTO = photo_of("melanoma")
MUTATIONS = size(40, 500)
CT = UID("1.2.840.10008.5.1.4.1.1.2")


def of_frame(frame: bytes, syntax: UID = JPEG, **elements: Any) -> bytes:
    told = {**describe((300, 225)), "PhotometricInterpretation": "YBR_FULL_422", **elements}
    return file_of(header_of(**told), syntax, encapsulate([frame]))


def with_syntax(syntax: str) -> bytes:
    """Replace the transfer syntax in the header of a JPEG."""
    known = str(JPEG).encode()
    return jpeg_object().replace(known, syntax.encode().ljust(len(known), b"\0"), 1)


def nested(depth: int) -> bytes:
    whole = jpeg_object()
    place = whole.index(struct.pack("<HH", 0x0008, 0x2218))
    head, sequence = struct.pack("<HH", 0x0008, 0x1140) + b"SQ\0\0", b"\xff\xff\xff\xff"
    item = b"\xfe\xff\x00\xe0"
    made = (head + sequence + item + sequence) * depth
    return whole[:place] + made + whole[place:]


def bomb() -> bytes:
    """1 MB of a deflated data set that could be inflated to 1 GB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(64 * 1024 * 1024)) + packer.flush()


def cut(whole: bytes, share: float) -> bytes:
    return whole[: round(len(whole) * share)]


NOT_UNDERSTOOD, PROCESSING = Failure.NOT_UNDERSTOOD, Failure.PROCESSING
SYNTAX = Failure.TRANSFER_SYNTAX
PNG = photo_of("melanoma", format="PNG")
NOISE = b"\xff\x4f\xff\x51" + b"\xff" * 5000


def of_age(kind: bytes) -> bytes:
    known = b"AS\x04\x00047Y"
    return jpeg_object(PatientAge="047Y").replace(known, kind + known[2:])


def of_colours(kind: str) -> bytes:
    return raw_object(PhotometricInterpretation=kind)


# Each is made, and refused with a code and a sentence.
HOSTILE: list[tuple[Callable[[], bytes], Failure, str]] = [
    (lambda: b"", NOT_UNDERSTOOD, "no DICOM file"),
    (lambda: jpeg_object()[132:], NOT_UNDERSTOOD, "no DICOM file"),
    (lambda: jpeg_object()[:132], SYNTAX, "transfer syntax is not told"),
    (lambda: cut(jpeg_object(), 0.05), NOT_UNDERSTOOD, ""),
    (lambda: cut(raw_object(), 0.6), NOT_UNDERSTOOD, "cut off within its pixels"),
    (lambda: cut(jpeg_object(), 0.6), PROCESSING, "damaged"),
    (lambda: without_pixels(), NOT_UNDERSTOOD, "the object announces 0"),
    (lambda: jpeg_object(SOPClassUID=CT), Failure.SOP_CLASS, "CT Image Storage is not judged here"),
    (lambda: jpeg_object(StudyInstanceUID=""), NOT_UNDERSTOOD, "StudyInstanceUID is missing"),
    (lambda: with_syntax(str(DEFLATED)) + bomb(), SYNTAX, "Deflated Explicit VR Little Endian"),
    (lambda: with_syntax("1.2.3.4"), SYNTAX, "The transfer syntax 1.2.3.4 is not read here"),
    (lambda: with_syntax("<script>"), SYNTAX, "(no UID)"),
    (lambda: jpeg_object(NumberOfFrames=500), PROCESSING, "holds 500 frames"),
    (lambda: raw_object(Rows=4000), NOT_UNDERSTOOD, "300 x 4000 pixels, which are 3600000 bytes"),
    (lambda: raw_object(Rows=65535, Columns=65535), PROCESSING, "65535"),
    (lambda: of_jpeg_2000(Rows=65535, Columns=65535), PROCESSING, "65535"),
    (lambda: of_jpeg_2000(Rows=3000, Columns=5000), Failure.RESOURCES, "12.5 megapixels"),
    (lambda: jpeg_object(Rows=226), NOT_UNDERSTOOD, "do not agree"),
    (lambda: of_jpeg_2000(Rows=226), NOT_UNDERSTOOD, "another size"),
    (lambda: raw_object(BitsAllocated=16, BitsStored=12), PROCESSING, "8 bits"),
    (lambda: of_colours("MONOCHROME1"), PROCESSING, "MONOCHROME1"),
    (lambda: of_colours("YBR_FULL_422"), PROCESSING, "YBR_FULL_422"),
    (lambda: of_colours("PALETTE COLOR"), PROCESSING, "PALETTE COLOR"),
    (lambda: of_frame(PNG), NOT_UNDERSTOOD, "no JPEG"),
    (lambda: with_syntax("1.2.840.10008.1.2.5"), SYNTAX, "RLE Lossless is not read here"),
    (lambda: of_frame(NOISE, JPEG_2000), NOT_UNDERSTOOD, "JPEG 2000"),
    (lambda: _unencapsulated(), NOT_UNDERSTOOD, "do not agree"),
    (lambda: nested(10_000), NOT_UNDERSTOOD, "no DICOM file"),
    (lambda: jpeg_object(ImageComments="a" * 2_000_000), NOT_UNDERSTOOD, "larger than 1 MB"),
    (lambda: of_age(b"ZZ"), NOT_UNDERSTOOD, "header is damaged"),
    (lambda: of_frame(b"\0\0"), NOT_UNDERSTOOD, "no JPEG"),
    (lambda: raw_object(np.full_like(PIXELS, 120)), PROCESSING, "blurred"),
]


def without_pixels() -> bytes:
    return file_of(header_of(**describe((300, 225))), EXPLICIT, b"")


def of_jpeg_2000(**elements: int) -> bytes:
    return raw_object(None, JPEG_2000, **elements)


def _unencapsulated() -> bytes:
    told = {**describe((300, 225)), "PhotometricInterpretation": "YBR_FULL_422"}
    known, other = str(EXPLICIT).encode() + b"\0", str(JPEG).encode()
    made = file_of(header_of(**told), EXPLICIT, PHOTO)
    length = struct.pack("<H", len(known))
    return made.replace(b"UI" + length + known, b"UI" + struct.pack("<H", 22) + other)


@pytest.fixture(scope="module")
def hostile(shared_backend: Backend) -> Person:
    return shared_backend.member("mallory@example.org")


@pytest.fixture(autouse=True)
def _nothing_stored(shared_backend: Backend) -> Iterator[None]:
    yield
    assert shared_backend.services.store.collection("submissions").count({}) == 0
    assert [*shared_backend.services.store.blobs.keys()] == []


def test_a_hostile_object_is_refused_with_its_code_and_a_sentence(hostile: Person) -> None:
    for number, (made, failure, sentence) in enumerate(HOSTILE):
        status, answer = send(hostile, made())
        assert status == 409, number
        refused = (answer.get(FAILED) or answer[OTHERS])["Value"][0]
        assert sentence in refused["0040A160"]["Value"][0], number
        assert refused["00081197"]["Value"] == [failure], number


def test_jpeg_2000_without_its_decoder_is_refused_by_its_name(
    hostile: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    status, answer = send(hostile, raw_object(None, JPEG_2000))
    assert status == 409
    refused = answer[FAILED]["Value"][0]
    assert "JPEG 2000 is not read here" in refused["0040A160"]["Value"][0]
    assert refused["00081197"]["Value"] == [Failure.TRANSFER_SYNTAX]


def test_an_object_of_another_study_than_the_path_is_refused(hostile: Person) -> None:
    status, answer = send(hostile, jpeg_object(StudyInstanceUID="1.2.3"), path="/dicom/studies/1.2")
    assert status == 409
    refused = answer[FAILED]["Value"][0]
    assert refused["00081197"]["Value"] == [Failure.MISMATCH]
    assert "another study" in refused["0040A160"]["Value"][0]


# With UIDs of one length: the names of the cases say how long the body is.
_UIDS: dict[str, Any] = dict.fromkeys(
    ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), "1.2.3"
)
WHOLE = body_of([jpeg_object(**_UIDS)])
EDGE = f"--{BOUNDARY}\r\n".encode()


BODIES: list[tuple[bytes, str, int, str]] = [
    (WHOLE[:-30], RELATED, 400, "ends before its last boundary"),
    (WHOLE[: len(WHOLE) // 2], RELATED, 400, "ends before its last boundary"),
    (f"--{BOUNDARY}--\r\n".encode(), RELATED, 400, "holds no object"),
    (WHOLE, 'multipart/related; type="application/dicom"', 400, "boundary"),
    (WHOLE, RELATED.replace(BOUNDARY, "x" * 300), 400, "boundary"),
    (WHOLE, RELATED.replace(BOUNDARY, "another"), 400, "ends before its last boundary"),
    (WHOLE, f"multipart/form-data; boundary={BOUNDARY}", 415, "multipart/related"),
    (WHOLE, RELATED.replace("dicom", "dicom+json"), 415, "multipart/related"),
    (EDGE + b"A: " + b"a" * 9000 + b"\r\n\r\n" + WHOLE, RELATED, 400, "headers"),
    (EDGE[:-2] + b"-\r\n\r\n" + WHOLE, RELATED, 400, "other characters"),
    (body_of([b"x"] * 101), RELATED, 413, "at most 100"),
]


def test_a_body_that_is_no_whole_multipart_body_is_refused(hostile: Person) -> None:
    for body, media_type, status, sentence in BODIES:
        answer = hostile.call("POST", "/dicom/studies", data=body, content_type=media_type)
        assert (answer.status_code, sentence in answer.get_json()["detail"]) == (status, True)


def test_a_full_disk_is_told(hostile: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(routes_module, "refuse_full_disk", full)
    status, answer = send(hostile, jpeg_object())
    assert (status, answer["code"]) == (507, "disk_full")


def test_more_than_the_route_takes_is_refused_in_chunks_too(
    hostile: Person, shared_backend: Backend
) -> None:
    route = route_of(shared_backend.app, "dicom.store_studies")
    assert route
    usual = route.max_body
    told = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    put_in(route, max_body=4096)
    try:
        answer = hostile.call(
            "POST",
            "/dicom/studies",
            input_stream=io.BytesIO(WHOLE),
            content_type=RELATED,
            environ_overrides=told,
        )
    finally:
        put_in(route, max_body=usual)
    assert answer.status_code == 413


def mutated(whole: bytes, by: random.Random) -> bytes:
    changed = bytearray(whole)
    # The header is more interesting than the pixels.
    for _ in range(by.randint(1, 6)):
        place = by.randrange(128, min(len(changed), 1600))
        kind = by.randrange(5)
        if kind == 0:
            changed[place] = by.randrange(256)
        elif kind == 1:
            del changed[place : place + by.randint(1, 40)]
        elif kind == 2:
            changed[place:place] = changed[place : place + by.randint(1, 40)]
        elif kind == 3:
            changed[place : place + 4] = by.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"SQ\xff\xff"]
            )
        else:
            changed = changed[: by.randrange(place, len(changed))]
            break
    return bytes(changed)


# Each is refused for its photo where the mutation leaves it readable: so nothing is ever stored.
SMALL = np.full((64, 64, 3), 120, np.uint8)
ORIGINALS: tuple[Callable[[], bytes], ...] = (
    lambda: jpeg_object(photo_of("melanoma", size=(64, 64))),
    lambda: raw_object(SMALL),
    lambda: raw_object(SMALL, JPEG_2000),
)


def test_mutated_objects_are_refused_with_a_sentence(
    hostile: Person, report: Callable[[str], None]
) -> None:
    seed = random.randrange(2**32)
    report(f"{MUTATIONS} mutated DICOM objects, seed {seed}")
    by, whole = random.Random(seed), [make() for make in ORIGINALS]
    objects = [mutated(by.choice(whole), by) for _ in range(MUTATIONS)]
    for item in objects:
        status, answer = send(hostile, item)
        assert status == 409, (seed, item)
        refused = (answer.get(FAILED) or answer[OTHERS])["Value"][0]
        assert refused["0040A160"]["Value"][0], (seed, item)
