"""Errors of received DICOM objects, and the answer to a study (Store Instances Response) as DICOM
JSON. It imports no DICOM library, which is optional.
https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_I.2
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from skinapi.base.errors import SkinAPIError, Unprocessable

# One picture of 22 megapixels, uncompressed.
LARGEST_OBJECT = 72 * 1024 * 1024
DICOM_JSON = "application/dicom+json"
_SOP_CLASS, _SOP_INSTANCE = "00081150", "00081155"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"
_FAILURE_REASON = "00081197"
# Retrieve URL is required and empty: nothing can be retrieved here (type 2; PS3.18, F.2.5).
_NOT_RETRIEVED = {"00081190": {"vr": "UR"}}
# No attribute of the answer is for a sentence: this is a text without a limit.
_TEXT = "0040A160"


class Failure(IntEnum):
    PROCESSING = 0x0110
    DUPLICATE = 0x0111
    SOP_CLASS = 0x0122
    RESOURCES = 0xA700
    MISMATCH = 0xA900
    NOT_UNDERSTOOD = 0xC000
    TRANSFER_SYNTAX = 0xC122


class RefusedInstance(Unprocessable):
    """`sop` is the class and UID of the object, if they were read before it was refused."""

    code, sentence = "refused_instance", "This DICOM object cannot be judged"

    def __init__(
        self, failure: Failure, sentence: str, *, sop: tuple[str, str] | None = None
    ) -> None:
        self.failure, self.sop = failure, sop
        super().__init__(sentence)


class DicomNotInstalled(SkinAPIError):
    status, code = 501, "dicom_not_installed"
    sentence = (
        "This server has not installed what it needs to read and write DICOM; its operator can "
        "install requirements-dicom.txt"
    )


@contextmanager
def installed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise DicomNotInstalled from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The result of one part of the body: a finding, or `failure` with its sentence. `sop` is the
    object's class and UID; None if the part could not be read.
    """

    sop: tuple[str, str] | None
    failure: Failure | None = None
    sentence: str = ""


def status_of(received: Sequence[Received]) -> int:
    taken = sum(part.failure is None for part in received)
    return 200 if taken == len(received) else 202 if taken else 409


def write_answer(received: Sequence[Received]) -> dict[str, Any]:
    sequences: dict[str, list[Any]] = {_REFERENCED: [], _FAILED: [], _OTHER_FAILURES: []}
    for part in received:
        item = {}
        if part.sop:
            item = {_SOP_CLASS: _value("UI", part.sop[0]), _SOP_INSTANCE: _value("UI", part.sop[1])}
        if part.failure is None:
            sequences[_REFERENCED].append({**item, **_NOT_RETRIEVED})
            continue
        reason = {
            _FAILURE_REASON: _value("US", int(part.failure)),
            _TEXT: _value("UT", part.sentence),
        }
        sequences[_FAILED if item else _OTHER_FAILURES].append({**item, **reason})
    filled = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}
    return {**_NOT_RETRIEVED, **filled}


def _value(kind: str, value: str | int) -> dict[str, Any]:
    return {"vr": kind, "Value": [value]}
