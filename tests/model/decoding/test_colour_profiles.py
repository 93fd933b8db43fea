import io
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageCms

from skinapi.model.classification import classify_photo
from skinapi.model.conditions import conditions_table
from skinapi.model.decoding import colour_profiles
from skinapi.model.decoding.file_parts import MOST_PROFILE_BYTES
from skinapi.model.decoding.isolated_process import run_isolated
from skinapi.model.decoding.photo import read_photo, reencode_for_storage
from skinapi.model.network.model import open_model
from tests.model.photos import encoded, skin_with_spot
from tests.support.models import tiny_model

# https://www.color.org/chardata/rgb/DisplayP3.xalter: red, green and blue, adapted to D50.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
WHITE = (0.9642, 1.0, 0.8249)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def profile_of(tags: dict[bytes, bytes], *, space: bytes = b"RGB ") -> bytes:
    start, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"mntr", space, b"XYZ ")
    return head + bytes(12) + b"acsp" + bytes(28) + fixed(*WHITE) + bytes(48) + table + body


def xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*numbers)


def matrix_profile(primaries: Sequence[Sequence[float]] = DISPLAY_P3) -> bytes:
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed(*_SRGB_CURVE)
    tags = {b"wtpt": xyz(WHITE)}
    for name, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {name + b"XYZ": xyz(primary), name + b"TRC": curve}
    return profile_of(tags)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    return profile_of({b"wtpt": xyz(WHITE), b"kTRC": curve}, space=b"GRAY")


SKIN = skin_with_spot((320, 240), grain=6)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
P3 = matrix_profile()


def converted(picture: Image.Image, source: ImageCms.ImageCmsProfile, to: bytes) -> Image.Image:
    target = ImageCms.ImageCmsProfile(io.BytesIO(to))
    pixels = ImageCms.buildTransform(source, target, "RGB", "RGB").apply(picture)
    del pixels.info["icc_profile"]  # which Pillow would save
    return pixels


def levels_apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_in_display_p3_has_the_colours_of_the_same_photo_in_srgb(format_: str) -> None:
    wide = converted(SKIN, SRGB, P3)
    lossless = {"lossless": True} if format_ == "WEBP" else {"quality": 95, "subsampling": 0}
    content = encoded(wide, format_, icc_profile=P3, **lossless)
    plain = read_photo(encoded(wide, format_, **lossless))
    photo = read_photo(content)
    assert not photo.profile_unread
    assert levels_apart(plain.pixels, SKIN) > 5
    difference = np.abs(np.asarray(photo.pixels, int) - np.asarray(SKIN, int)).mean()
    assert difference < (2.5 if format_ == "JPEG" else 0.6)
    if format_ == "JPEG":
        kept = Image.open(io.BytesIO(reencode_for_storage(content)))
        assert "icc_profile" not in kept.info
        colour, expected = (np.asarray(item, int).mean((0, 1)) for item in (kept, photo.pixels))
        assert np.abs(colour - expected).max() < 1


def test_a_grey_profile_belongs_to_a_grey_picture() -> None:
    grey, profile = SKIN.convert("L"), grey_profile(1.0)
    photo = read_photo(encoded(grey, "PNG", icc_profile=profile))
    assert not photo.profile_unread
    assert np.asarray(photo.pixels).mean() > np.asarray(grey).mean() + 20
    assert read_photo(encoded(SKIN, "PNG", icc_profile=profile)).profile_unread


def test_each_profile_is_read_once_and_one_of_srgb_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = list[str]()

    def count(module: str, content: bytes) -> bytes:
        runs.append(module)
        return run_isolated(module, content)

    monkeypatch.setattr(colour_profiles, "run_isolated", count)
    monkeypatch.setattr(colour_profiles, "_kept", {})
    content = encoded(SKIN, "PNG", icc_profile=SRGB.tobytes())
    for _ in range(2):
        assert levels_apart(read_photo(content).pixels, SKIN) == 0
    read_photo(encoded(SKIN, "PNG"))
    assert runs == ["skinapi.model.decoding.colour_profiles"]


UNREADABLE = {
    "none": b"no profile",
    "cut": P3[:300],
    "damaged": P3[:128] + b"\xff" * 400,
    "of inks": P3.replace(b"RGB ", b"CMYK", 1),
    "too large": P3 + bytes(MOST_PROFILE_BYTES),
}


@pytest.mark.parametrize(
    ("fault", "format_"),
    [*((fault, "JPEG") for fault in UNREADABLE), ("cut", "PNG"), ("too large", "WEBP")],
)
def test_a_profile_that_cannot_be_read_is_told_and_the_photo_is_judged(
    fault: str, format_: str
) -> None:
    profile = UNREADABLE[fault]
    photo = read_photo(encoded(SKIN, format_, icc_profile=profile))
    assert photo.profile_unread
    plain = read_photo(encoded(SKIN, format_))
    assert levels_apart(photo.pixels, plain.pixels) == 0


def test_the_finding_says_that_the_profile_could_not_be_read() -> None:
    told = conditions_table().notices.profile_unread
    model = open_model(tiny_model())
    assert told in classify_photo(model, encoded(SKIN, icc_profile=b"no profile")).notices
    assert told not in classify_photo(model, encoded(SKIN, icc_profile=P3)).notices
