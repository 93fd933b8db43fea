"""Converts the pixels of a DICOM object to a photo file for `POST /predict`, so that the same code
judges it: the original JPEG, or else a PNG of the same pixels.
"""

import io
import threading
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import generate_fragments, parse_basic_offsets

from skinapi.base.size_limits import photo_too_large
from skinapi.integrations.dicom.header import (
    JPEG_2000,
    JPEG_BASELINE,
    Instance,
    number_in,
    refusing,
    text_in,
)
from skinapi.integrations.dicom.jpeg_2000 import decode_jpeg_2000
from skinapi.integrations.dicom.stow import Failure, RefusedInstance
from skinapi.model.decoding.file_header import Header, read_header
from skinapi.model.decoding.photo import WORKING_SIZE, refuse_oversize, stored_size

Bytes = NDArray[np.uint8]
MOST_FRAGMENTS = 10_000
# 22 megapixels need 250 MB for a second.
_ONE_AT_A_TIME = threading.Lock()
HALVED = "Uncompressed pixels of the kind YBR_FULL_422 are not read here"
NO_PIXELS = "The pixels do not agree with what the header says of them"
DAMAGED_JPEG = "The picture in this object is no JPEG, or is cut off"
# Without this marker, decoders take three components for luminance and colour, not RGB.
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
_JFIF_OR_ADOBE = (b"\xff\xe0", b"\xff\xee")
Mode = Literal["L", "RGB", "YCbCr"]
_MODES: dict[str, Mode] = {
    "MONOCHROME2": "L",
    "RGB": "RGB",
    "YBR_FULL": "YCbCr",
    "YBR_FULL_422": "YCbCr",
    "YBR_RCT": "RGB",  # the JPEG 2000 decoder has undone these two
    "YBR_ICT": "RGB",
}


class _Shape(NamedTuple):
    columns: int
    rows: int
    samples: int
    photometric: str

    @property
    def size(self) -> tuple[int, int]:
        return self.columns, self.rows

    @property
    def plane(self) -> int:
        return self.columns * self.rows


def read_photo_file(instance: Instance, *, largest: int) -> bytes:
    with refusing(NO_PIXELS):
        shape = _read_shape(instance.header)
    if instance.transfer_syntax == JPEG_BASELINE:
        return _jpeg_of(_read_frame(instance, largest), shape)
    # The bounds of the PNG that will be made, before any pixel is read.
    made = Header("PNG", *shape.size, decoded=4, held=0)
    refuse_oversize(made, (WORKING_SIZE, stored_size(shape.size)))
    with _ONE_AT_A_TIME:
        out = io.BytesIO()
        _unpack(instance, shape, largest).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _unpack(instance: Instance, shape: _Shape, largest: int) -> Image.Image:
    if instance.transfer_syntax in JPEG_2000:
        return decode_jpeg_2000(
            _read_frame(instance, largest),
            size=shape.size,
            samples=shape.samples,
            photometric=shape.photometric,
        )
    with refusing(NO_PIXELS):
        return _picture_of(_read_planes(instance, shape), shape)


def _read_shape(header: Dataset) -> _Shape:
    frames = number_in(header, "NumberOfFrames") or 1
    if frames != 1:
        raise RefusedInstance(
            Failure.PROCESSING,
            f"The object holds {frames} frames; send each picture as an object of its own",
        )
    photometric = text_in(header, "PhotometricInterpretation")
    if photometric not in _MODES:
        raise RefusedInstance(
            Failure.PROCESSING,
            f"Pixels of the kind {photometric[:16] or '(not told)'} are not read here",
        )
    bits = number_in(header, "BitsAllocated"), number_in(header, "BitsStored")
    if bits != (8, 8) or number_in(header, "PixelRepresentation"):
        raise RefusedInstance(
            Failure.PROCESSING, "A colour must have 8 bits without a sign, as photos have"
        )
    columns, rows = (number_in(header, name) or 0 for name in ("Columns", "Rows"))
    samples = number_in(header, "SamplesPerPixel")
    if columns < 1 or rows < 1 or samples != Image.getmodebands(_MODES[photometric]):
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, NO_PIXELS)
    return _Shape(columns, rows, samples, photometric)


def _read_frame(instance: Instance, largest: int) -> bytes:
    if instance.end - instance.pixels > largest + MOST_FRAGMENTS * 8:
        raise photo_too_large(largest)
    if instance.length is not None:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, NO_PIXELS)
    instance.source.seek(instance.pixels)
    source = io.BytesIO(instance.source.read(instance.end - instance.pixels))
    with refusing(NO_PIXELS):
        parse_basic_offsets(source)
        fragments = list(islice(generate_fragments(source), MOST_FRAGMENTS + 1))
    if not fragments or len(fragments) > MOST_FRAGMENTS:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, NO_PIXELS)
    return b"".join(fragments)


def _jpeg_of(frame: bytes, shape: _Shape) -> bytes:
    with refusing(DAMAGED_JPEG):
        header = read_header(frame)
    if header.format != "JPEG":
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, DAMAGED_JPEG)
    if header.size != shape.size or header.components != shape.samples:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, NO_PIXELS)
    if frame.endswith(b"\xff\xd9\x00"):
        frame = frame[:-1]
    if shape.photometric == "RGB" and frame[2:4] not in _JFIF_OR_ADOBE:
        return frame[:2] + _ADOBE_RGB + frame[2:]
    return frame


def _read_planes(instance: Instance, shape: _Shape) -> Bytes:
    if shape.photometric == "YBR_FULL_422":  # a JPEG may have it, pixels on their own do not
        raise RefusedInstance(Failure.PROCESSING, HALVED)
    wanted = shape.plane * shape.samples
    # A value of an odd length is filled up with one byte.
    if instance.length not in (wanted, wanted + wanted % 2):
        raise RefusedInstance(
            Failure.NOT_UNDERSTOOD,
            f"The header says {shape.columns} x {shape.rows} pixels, which are {wanted} bytes; "
            f"the object announces {instance.length}",
        )
    if instance.pixels + wanted > instance.end:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, "The object is cut off within its pixels")
    instance.source.seek(instance.pixels)
    raw = np.frombuffer(instance.source.read(wanted), np.uint8)
    if number_in(instance.header, "PlanarConfiguration"):
        return raw.reshape(shape.samples, shape.plane).T
    return raw.reshape(shape.plane, shape.samples)


def _picture_of(pixels: Bytes, shape: _Shape) -> Image.Image:
    mode = _MODES[shape.photometric]
    picture = Image.frombytes(mode, shape.size, np.ascontiguousarray(pixels).data)
    return picture.convert("RGB") if mode == "YCbCr" else picture
