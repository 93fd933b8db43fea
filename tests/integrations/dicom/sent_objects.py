import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from tests.support.photos import photo_of

DERMOSCOPIC = UID("1.2.840.10008.5.1.4.1.1.77.1.7")
PHOTOGRAPHIC = UID("1.2.840.10008.5.1.4.1.1.77.1.4")
SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
IMPLICIT, EXPLICIT = UID("1.2.840.10008.1.2"), UID("1.2.840.10008.1.2.1")
DEFLATED = UID("1.2.840.10008.1.2.1.99")
JPEG = UID("1.2.840.10008.1.2.4.50")
JPEG_2000, JPEG_LS = UID("1.2.840.10008.1.2.4.90"), UID("1.2.840.10008.1.2.4.80")
# What must be nowhere in the store.
NAME, NUMBER, PRIVATE = "Lovelace^Augusta", "HOSPITAL-4711-X", "a remark of no concern to anybody"
BOUNDARY = "a-boundary-of-a-test"
RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def header_of(sop_class: UID = DERMOSCOPIC, **elements: Any) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SOPClassUID, header.SOPInstanceUID = sop_class, generate_uid()
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.PatientName, header.PatientID = NAME, NUMBER
    header.IssuerOfPatientID = "clinic"
    header.PatientBirthDate, header.PatientSex, header.StudyDate = "19610203", "F", "20260201"
    header.Modality = "DMS" if sop_class == DERMOSCOPIC else "XC"
    header.InstitutionName = "Charity of the Test"
    header.add(_region("244106003", "Skin of anterior surface of thorax"))
    header.ImageLaterality = "L"
    block = header.private_block(0x0019, "TEST", create=True)
    block.add_new(0x01, "LO", PRIVATE)
    for name, value in elements.items():
        setattr(header, name, value)
    return header


def region(code: str, meaning: str = "site", scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, meaning
    return [item]


def _region(code: str, meaning: str) -> Any:
    made = Dataset()
    made.AnatomicRegionSequence = region(code, meaning)
    return made["AnatomicRegionSequence"]


def jpeg_object(photo: bytes = b"", **elements: Any) -> bytes:
    photo = photo or photo_of("melanoma")
    with Image.open(io.BytesIO(photo)) as opened:
        described = describe(opened.size, opened.mode)
    if opened.mode == "RGB":
        described["PhotometricInterpretation"] = "YBR_FULL_422"
    return file_of(header_of(**{**described, **elements}), JPEG, encapsulate([photo]))


def describe(size: tuple[int, int], mode: str = "RGB") -> dict[str, Any]:
    return {
        "Columns": size[0],
        "Rows": size[1],
        "SamplesPerPixel": 3 if mode == "RGB" else 1,
        "PhotometricInterpretation": "RGB" if mode == "RGB" else "MONOCHROME2",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        **({"PlanarConfiguration": 0} if mode == "RGB" else {}),
    }


def pixels_of(photo: bytes = b"") -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(photo or photo_of("melanoma", format="PNG"))) as opened:
        return np.asarray(opened.convert("RGB"))


def raw_object(pixels: Any = None, syntax: UID = EXPLICIT, **elements: Any) -> bytes:
    pixels = pixels_of() if pixels is None else pixels
    size = pixels.shape[1], pixels.shape[0]
    described = describe(size, "RGB" if pixels.ndim == 3 else "L")
    data: bytes = pixels.tobytes()
    if syntax == JPEG_2000:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG2000", irreversible=False, no_jp2=True, mct=1)
        described["PhotometricInterpretation"] = "YBR_RCT" if pixels.ndim == 3 else "MONOCHROME2"
        data = encapsulate([out.getvalue()])
    return file_of(header_of(**{**described, **elements}), syntax, data)


def file_of(header: Dataset, syntax: UID, pixel_data: bytes) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    whole = FileDataset("", header, file_meta=meta, preamble=b"\0" * 128)
    whole.add_new(0x7FE00010, "OB" if syntax.is_encapsulated else "OW", pixel_data)
    if syntax.is_encapsulated:
        whole["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    whole.save_as(out, enforce_file_format=True)
    return out.getvalue()


def body_of(
    objects: Iterable[bytes], *, boundary: str = BOUNDARY, media_type: str = "application/dicom"
) -> bytes:
    head = f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
    parts = [head + item + b"\r\n" for item in objects]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def sends_dicom(**elements: Any) -> dict[str, Any]:
    return {"data": body_of([jpeg_object(**elements)]), "content_type": RELATED}
