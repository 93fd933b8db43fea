"""What can be wrong with a DICOM object that was sent; and DICOM may not be installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from skinapi.base.errors import SkinAPIError, Unprocessable

# One picture of 22 megapixels, uncompressed.
LARGEST_OBJECT = 72 * 1024 * 1024


class Failure(IntEnum):
    """The codes of Failure Reason (0008,1197) that we answer with.

    https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_I.2.2
    """

    PROCESSING = 0x0110
    DUPLICATE = 0x0111
    SOP_CLASS = 0x0122
    RESOURCES = 0xA700
    MISMATCH = 0xA900
    NOT_UNDERSTOOD = 0xC000
    TRANSFER_SYNTAX = 0xC122


class RefusedInstance(Unprocessable):
    """An object that is not judged. `failure` is DICOM's code for the reason, `sop` its class and
    its UID, where they were read before it was refused.
    """

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
    """Raises DicomNotInstalled where what is imported inside is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DicomNotInstalled from error
