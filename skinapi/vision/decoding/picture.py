"""Decodes pictures for training and evaluation exactly as serving decodes photos."""

from PIL import Image

from skinapi.errors import Refused, UnreadablePicture
from skinapi.vision.decoding.photo import read_photo


def open_picture(content: bytes) -> Image.Image:
    """Decode to upright RGB. Raises UnreadablePicture for what serving would refuse to decode."""
    try:
        return read_photo(content).pixels
    except Refused as refused:
        raise UnreadablePicture from refused
