"""What a marking on a nevus changes in the answer, and how the card is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from skinapi.base.errors import Refused
from skinapi.learning.data.degradation import MARKINGS
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import saliency
from skinapi.learning.measure.saliency import NEVUS, measure_shortcuts
from skinapi.model.classification import classify_photo
from skinapi.model.conditions import Band
from skinapi.model.context import Context, Modality
from skinapi.model.network.model import Model, open_model
from tests.model.photos import skin_with_spot
from tests.support.models import tiny_model

GREY = 100
PENS = {"pen": lambda picture: Image.new("RGB", picture.size, (0, 0, picture.getpixel((0, 0))[0]))}


@dataclass(frozen=True)
class Answer:
    malignant_score: float
    band: Band


def write_nevi(folder: Path, source: str, count: int, modality: Modality) -> list[Sample]:
    """Each picture is of one grey, by which the tests know it again."""
    samples = []
    for number in range(count):
        path = folder / f"{source}{number}.png"
        grey = GREY + number
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(path)
        samples.append(Sample(path.stem, path, NEVUS, path.stem, source=source, modality=modality))
    return samples


class Judge:
    """Answers by the number of the picture, and otherwise to the marked ones; None refuses."""

    def __init__(self, plain: Answer, marked: Mapping[int, Answer | None]) -> None:
        self.plain, self.marked = plain, marked
        self.contexts: set[Context] = set()

    def __call__(self, _model: Model, content: bytes, context: Context) -> Answer:
        self.contexts.add(context)
        red, _, blue = Image.open(BytesIO(content)).getpixel((0, 0))  # type: ignore[misc]
        found = self.plain if red else self.marked[int(blue) - GREY]
        if found is None:
            raise Refused("blurred")
        return found


def measure(
    monkeypatch: pytest.MonkeyPatch, judge: Judge, samples: list[Sample]
) -> dict[str, object]:
    monkeypatch.setattr(saliency, "classify_photo", judge)
    monkeypatch.setattr(saliency, "MARKINGS", PENS)
    figures = measure_shortcuts(cast("Model", None), samples, report=lambda _: None)
    return figures["pen"]


def test_the_table_tells_how_scores_and_bands_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: dict[int, Answer | None] = {
        0: Answer(0.10, Band.ROUTINE),
        1: Answer(0.14, Band.DOCTOR_REVIEW),
        2: Answer(0.40, Band.URGENT_REFERRAL),
        3: Answer(0.05, Band.SELF_MONITORING),
        4: None,
    }
    judge = Judge(Answer(0.10, Band.ROUTINE), marked)
    nevi = write_nevi(tmp_path, "", 5, Modality.DERMOSCOPIC)
    assert measure(monkeypatch, judge, nevi) == {
        "n": 5,
        "median_change": pytest.approx(0.02),
        "median_absolute_change": pytest.approx(0.045),
        "band_changed": 0.8,
        "band_raised": 0.4,
        "band_lowered": 0.2,
        "refused": 0.2,
    }
    assert judge.contexts == {Context(modality=Modality.DERMOSCOPIC)}


def test_each_of_several_sources_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Answer(0.1, Band.ROUTINE)
    judge = Judge(same, {0: Answer(0.3, Band.REFERRAL), 1: same})
    nevi = write_nevi(tmp_path, "archive", 2, Modality.DERMOSCOPIC)
    nevi += write_nevi(tmp_path, "phones", 1, Modality.CLINICAL)
    figures = measure(monkeypatch, judge, nevi)
    by_source = cast("dict[str, dict[str, float]]", figures["sources"])
    assert {name: one["n"] for name, one in by_source.items()} == {"archive": 2, "phones": 1}
    assert by_source["phones"]["median_change"] == pytest.approx(0.2)
    assert {context.modality for context in judge.contexts} == {"dermoscopic", "clinical"}


def test_nothing_is_told_of_lesions_that_are_no_nevi_or_are_refused_unmarked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nevus,) = write_nevi(tmp_path, "", 1, Modality.CLINICAL)
    melanoma = Sample("m", nevus.path, "melanoma", "m")
    refusing = Judge(cast("Answer", None), {0: Answer(0.1, Band.ROUTINE)})
    for judge, samples in (
        (refusing, [nevus]),
        (Judge(Answer(0.1, Band.ROUTINE), {}), [melanoma]),
    ):
        figures = measure(monkeypatch, judge, samples)
        assert figures["n"] == 0
        assert figures["median_change"] is figures["band_changed"] is None


def test_a_served_model_is_measured_on_the_marked_picture_itself(tmp_path: Path) -> None:
    skin_with_spot().save(tmp_path / "nevus.png")
    model = open_model(tiny_model())
    nevus = Sample("nevus", tmp_path / "nevus.png", NEVUS, "nevus", modality=Modality.CLINICAL)
    figures = measure_shortcuts(model, [nevus], report=lambda _: None)
    assert set(figures) == set(MARKINGS)

    def score(picture: Image.Image) -> float:
        written = BytesIO()
        picture.save(written, "PNG")
        found = classify_photo(model, written.getvalue(), Context(modality=Modality.CLINICAL))
        return found.malignant_score

    for name, mark in MARKINGS.items():
        change = score(mark(skin_with_spot())) - score(skin_with_spot())
        assert figures[name]["n"] == 1
        assert figures[name]["median_change"] == pytest.approx(change)
    assert np.any([figures[name]["median_change"] != 0 for name in MARKINGS])
