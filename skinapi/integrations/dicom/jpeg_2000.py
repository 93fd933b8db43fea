"""Decodes a JPEG 2000 picture in a separate process, because the decoder's memory depends on the
compressed data (model/decoding/isolated_process.py). Run as a program, this module is the process.
"""

import io
import sys

from PIL import Image, features

from skinapi.integrations.dicom.stow import Failure, RefusedInstance
from skinapi.model.decoding.isolated_process import limit_this_process, run_isolated

NOT_INSTALLED = "JPEG 2000 is not read here: this server's Pillow was built without it"
DAMAGED = "The JPEG 2000 picture is damaged, or has another size than the header says"
MOST_SECONDS = 10
# It takes 19 bytes for each pixel (measured). With this limit the process has at most 350 MB.
PIXEL_BYTES, PROCESS_BYTES = 24, 48 * 1024 * 1024
MOST_PIXELS = 12_500_000
TOO_LARGE = "A JPEG 2000 picture may have 12.5 megapixels at most here"
_CODESTREAM, _FILE = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "


def decode_jpeg_2000(
    frame: bytes, *, size: tuple[int, int], samples: int, photometric: str
) -> Image.Image:
    if not features.check("jpg_2000"):
        raise RefusedInstance(Failure.TRANSFER_SYNTAX, NOT_INSTALLED)
    if not frame.startswith((_CODESTREAM, _FILE)):
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, DAMAGED)
    if size[0] * size[1] > MOST_PIXELS:
        raise RefusedInstance(Failure.RESOURCES, TOO_LARGE)
    memory = PROCESS_BYTES + PIXEL_BYTES * size[0] * size[1]
    try:
        raw = run_isolated("skinapi.integrations.dicom.jpeg_2000", frame, *size, memory)
        picture = Image.frombytes("RGB" if samples == 3 else "L", size, raw)
    except ValueError as error:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, DAMAGED) from error
    if photometric.startswith("YBR_FULL"):
        return Image.frombytes("YCbCr", size, raw).convert("RGB")
    return picture


def _main(width: int, height: int, memory: int) -> None:
    limit_this_process(memory, seconds=MOST_SECONDS)
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG2000",))
    if picture.size != (width, height) or picture.mode not in ("L", "RGB"):
        raise ValueError("not what the header says")
    sys.stdout.buffer.write(picture.tobytes())


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
