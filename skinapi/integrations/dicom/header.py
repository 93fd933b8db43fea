"""Reads the header of an untrusted DICOM object, and the position of its pixels.

Only the elements named here are kept, and the header must be in the first megabyte, which limits
the cost of nested data and false lengths. pydicom raises many kinds of errors on hostile bytes; all
become RefusedInstance.
"""

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from pydicom import Dataset, Sequence, config
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from skinapi.base.errors import SkinAPIError
from skinapi.integrations.dicom.stow import Failure, RefusedInstance

# It quotes header values, such as names of people.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module=r"pydicom\.")
config.settings.reading_validation_mode = config.IGNORE

DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.7"
PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
TRUE_COLOUR_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.4"
SOP_CLASSES = (DERMOSCOPIC, PHOTOGRAPHIC, SECONDARY_CAPTURE, TRUE_COLOUR_CAPTURE)

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
TRANSFER_SYNTAXES = (IMPLICIT, EXPLICIT, JPEG_BASELINE, *JPEG_2000)

MOST_HEADER = 1024 * 1024
LONGEST_TEXT = 64  # of a Long String, as a patient's number is
NO_OBJECT = "This is no DICOM file, or its header is damaged"
TOO_LONG = "What stands before the pixels is larger than 1 MB"
EMPTY = "The object has no pixels"
PIXEL_DATA = Tag(0x7FE00010)
UID_TEXT = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){1,31}")
# The elements that are read; all others are skipped.
READ = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PatientID", "IssuerOfPatientID"),
    *("IssuerOfPatientIDQualifiersSequence", "PatientSex", "PatientAge", "PatientBirthDate"),
    *("SeriesInstanceUID", "AccessionNumber", "StudyDate", "Modality", "BurnedInAnnotation"),
    "AnatomicRegionSequence",
    *("ImageLaterality", "Laterality", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation"),
    "PlanarConfiguration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The header of an object, and its pixels in `source` from `pixels` to `end`. `length` is None
    if they are in fragments (encapsulated).
    """

    sop_class: str
    sop_instance: str
    study: str
    transfer_syntax: str
    header: Dataset = field(repr=False)
    source: IO[bytes] = field(repr=False)
    pixels: int
    length: int | None
    end: int


def open_instance(source: IO[bytes], start: int = 0, end: int | None = None) -> Instance:
    end = source.seek(0, io.SEEK_END) if end is None else end
    source.seek(start)
    head = io.BytesIO(source.read(min(MOST_HEADER, end - start)))
    with refusing(NO_OBJECT):
        read_preamble(head, force=False)
        meta = read_dataset(head, False, True, stop_when=lambda tag, *_: tag >> 16 != 2)
        syntax = str(meta.get("TransferSyntaxUID", ""))
        if syntax not in TRANSFER_SYNTAXES:
            raise _refuse_syntax(syntax, meta)
        header, (pixels, length) = _read_header(head, syntax)
        uids = {name: _uid_in(header, name) for name in READ[:3]}
        sop = uids["SOPClassUID"], uids["SOPInstanceUID"]
        if sop[0] not in SOP_CLASSES:
            raise RefusedInstance(
                Failure.SOP_CLASS,
                f"{_name_of(sop[0])} is not judged here. Send VL Photographic Image, Dermoscopic "
                "Photography or Secondary Capture.",
                sop=sop,
            )
    if not pixels:
        too_long = end - start > MOST_HEADER and head.tell() >= MOST_HEADER - 12
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, TOO_LONG if too_long else EMPTY, sop=sop)
    return Instance(
        sop_class=sop[0],
        sop_instance=sop[1],
        study=uids["StudyInstanceUID"],
        transfer_syntax=syntax,
        header=header,
        source=source,
        pixels=start + pixels,
        length=None if length == 0xFFFFFFFF else length,
        end=end,
    )


@contextmanager
def refusing(sentence: str) -> Iterator[None]:
    try:
        yield
    except (SkinAPIError, MemoryError):
        raise
    except Exception as error:  # hostile bytes can raise any error
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, sentence) from error


def text_in(header: Dataset, name: str) -> str:
    value = header.get(name)
    return value.strip() if isinstance(value, str) else ""


def number_in(header: Dataset, name: str) -> int | None:
    value = header.get(name)
    return int(value) if isinstance(value, int) else None


def first_item(header: Dataset, name: str) -> Dataset | None:
    items = header.get(name)
    return items[0] if isinstance(items, Sequence) and items else None


def _read_header(head: io.BytesIO, syntax: str) -> tuple[Dataset, tuple[int, int]]:
    place = 0, 0

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001 (pydicom's)
        nonlocal place
        if tag == PIXEL_DATA:
            place = head.tell(), length
        return bool(tag >= PIXEL_DATA)

    tags: list[BaseTag | int] = [Tag(name) for name in READ]
    implicit = syntax == IMPLICIT
    header = read_dataset(head, implicit, True, stop_when=at_pixels, specific_tags=tags)
    return header, place


def _uid_in(header: Dataset, name: str) -> str:
    value = text_in(header, name).rstrip("\0")
    if len(value) > LONGEST_TEXT or not UID_TEXT.fullmatch(value):
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, f"{name} is missing, or no UID")
    return value


def _refuse_syntax(syntax: str, meta: Dataset) -> RefusedInstance:
    if not syntax:
        return RefusedInstance(Failure.TRANSFER_SYNTAX, "The transfer syntax is not told")
    # The data set itself is not read, but the header of the file names the object too.
    kind, uid = (_uid_in(meta, f"MediaStorageSOP{name}UID") for name in ("Class", "Instance"))
    return RefusedInstance(
        Failure.TRANSFER_SYNTAX,
        f"The transfer syntax {_name_of(syntax)} is not read here. Send it uncompressed "
        "(little endian), or as JPEG Baseline or JPEG 2000.",
        sop=(kind, uid),
    )


def _name_of(uid: str) -> str:
    return UID(uid).name if UID_TEXT.fullmatch(uid) else "(no UID)"
