import io

import numpy as np
import pytest
from PIL import Image

from skinapi.findings.records.schemas.finding_parts import HeatView
from skinapi.model.decoding.photo import STORED_SIDE, Photo, reencode_for_storage
from skinapi.model.heat_map_overlay import draw_kept_overlay, draw_overlay
from skinapi.model.network.picture import SEEN_BEFORE, Quality
from tests.model.photos import as_photo, encoded, skin_with_spot
from tests.support.findings import finding_of

GREY = as_photo(Image.new("RGB", (341, 256), (128, 128, 128)))
NOTHING = [[0.0] * 7] * 7


def one_cell(row: int, column: int) -> list[list[float]]:
    heat = np.zeros((7, 7))
    heat[row, column] = 3.0
    return heat.tolist()


def drawn(
    photo: Photo,
    heat: list[list[float]],
    size: tuple[int, int] | None = None,
    seen: float = 1,
) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    content = draw_overlay(photo, heat, seen, size=size, format="PNG")
    return np.asarray(Image.open(io.BytesIO(content)), np.int16)


def test_its_own_size_is_the_photos_as_it_was_sent_but_no_larger_than_it_is_kept() -> None:
    assert drawn(GREY, NOTHING).shape == (256, 341, 3)
    sent = Photo(GREY.pixels, 4000, 3000, "JPEG")
    assert drawn(sent, NOTHING).shape == (STORED_SIDE * 3 // 4, STORED_SIDE, 3)


def test_over_a_kept_photo_it_has_the_kept_photos_pixels() -> None:
    kept = reencode_for_storage(encoded(skin_with_spot((2000, 1500))))
    overlay = Image.open(io.BytesIO(draw_kept_overlay(kept, NOTHING, 1)))
    assert overlay.size == (STORED_SIDE, STORED_SIDE * 3 // 4)
    seen, photo = np.asarray(overlay, np.int16), np.asarray(Image.open(io.BytesIO(kept)), np.int16)
    assert np.abs(seen - photo).mean() < 2


@pytest.mark.parametrize("size", [(341, 256), (224, 224)])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 3), (6, 1)])
@pytest.mark.parametrize("seen", [1, SEEN_BEFORE])
def test_a_hot_cell_lies_inside_the_networks_view(
    seen: float, row: int, column: int, size: tuple[int, int]
) -> None:
    picture = drawn(GREY, one_cell(row, column), size, seen)
    redness = picture[..., 0] - picture[..., 2]
    y, x = np.unravel_index(int(redness.argmax()), redness.shape)
    cell, margin = 256 * seen / 7, 128 * (1 - seen)
    middle = (margin + cell * (row + 0.5), 42.5 + margin + cell * (column + 0.5))
    assert abs(y * 256 / size[1] - middle[0]) < cell / 2 + 2
    assert abs(x * 341 / size[0] - middle[1]) < cell / 2 + 2


def test_the_margin_and_a_cold_map_stay_as_they_were() -> None:
    np.testing.assert_array_equal(drawn(GREY, NOTHING), np.full((256, 341, 3), 128))
    everywhere = drawn(GREY, [[1.0] * 7] * 7)
    assert (everywhere[:, :42] == 128).all()
    assert (everywhere[100:150, 150:200, 0] > 160).all()


def test_what_was_found_by_a_smaller_square_keeps_its_heat_where_it_was() -> None:
    finding = finding_of()
    older = Quality.model_validate(finding.quality.model_dump(exclude={"seen"}))
    whole = finding.quality.model_copy(update={"seen": 1.0})
    boxes = [
        HeatView.from_finding(finding.model_copy(update={"quality": quality})).box
        for quality in (older, whole)
    ]
    assert boxes == [pytest.approx((0.2, 0.1, 0.8, 0.9)), pytest.approx((1 / 8, 0, 7 / 8, 1))]
