from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.data.skin_patches import cut_normal_skin, find_skin
from skinapi.model.context import Modality
from tests.model.photos import SKIN, SPOT


def spotted(middle: tuple[int, int] = (110, 130), radius: int = 40) -> Image.Image:
    picture = Image.new("RGB", (341, 256), SKIN)
    x, y = middle
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=SPOT)
    return picture


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    spotted().save(tmp_path / "a.png")
    return Sample(
        image_id="a",
        path=tmp_path / "a.png",
        label="melanoma",
        lesion_id="l1",
        facts={"dx": "mel", "dx_type": "histo", "age": "50"},
        source="clinic",
        modality=Modality.CLINICAL,
        patient_id="p1",
    )


def cut(*samples: Sample, size: int = 100) -> list[Sample]:
    return cut_normal_skin(samples, source_sizes={"clinic": size}, report=lambda _: None)


def test_the_patch_is_a_large_square_of_skin_on_the_far_side_of_the_lesion() -> None:
    box = find_skin(spotted())
    assert box is not None
    left, top, right, bottom = box
    assert left > 180
    assert right - left == pytest.approx(bottom - top, abs=1)
    assert right - left >= 128
    assert np.ptp(np.asarray(spotted().crop(box)), axis=(0, 1)).max() == 0


def test_nothing_is_cut_where_no_lesion_is_outlined_or_no_room_is_left() -> None:
    assert find_skin(Image.new("RGB", (341, 256), SKIN)) is None
    assert find_skin(spotted((170, 128), 100)) is None


def test_a_patch_is_normal_skin_of_its_pictures_patient_source_and_modality(sample: Sample) -> None:
    (patch,) = cut(sample)
    assert patch.box is not None
    assert (patch.image_id, patch.label) == ("a#skin", "normal_skin")
    assert patch.facts == {"dx": "normal_skin", "age": "50"}
    unchanged = replace(patch, image_id="a", label="melanoma", facts=sample.facts, box=None)
    assert unchanged == sample
    assert open_sample(patch).size == (patch.box[2] - patch.box[0], patch.box[3] - patch.box[1])


def test_one_patch_for_each_patient_and_for_each_lesion_without_one(sample: Sample) -> None:
    same = replace(sample, image_id="b", lesion_id="l2")
    other = replace(sample, image_id="c", patient_id="p2")
    assert [patch.image_id for patch in cut(same, other, sample)] == ["a#skin", "c#skin"]
    nobody = [
        replace(sample, image_id=image_id, lesion_id=lesion_id, patient_id="")
        for image_id, lesion_id in ("d1", "e1", "f2")
    ]
    assert [patch.image_id for patch in cut(*nobody)] == ["d#skin", "f#skin"]


@pytest.mark.parametrize("label", ["actinic_keratosis", "normal_skin"])
def test_sun_damaged_skin_and_normal_skin_itself_are_not_cut(sample: Sample, label: str) -> None:
    assert cut(replace(sample, label=label)) == []
