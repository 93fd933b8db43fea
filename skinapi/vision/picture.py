"""Pictures for training and evaluation, decoded as the photos that are served."""

from PIL import Image

from skinapi.errors import Refused, UnreadablePicture
from skinapi.vision.photo import read_photo


def open_picture(content: bytes) -> Image.Image:
    """Upright RGB; what serving would refuse to decode is unreadable here too."""
    try:
        return read_photo(content).pixels
    except Refused as refused:
        raise UnreadablePicture from refused
