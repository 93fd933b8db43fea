import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.measure import stress
from skinapi.learning.measure.evaluation import measure_answers, with_test_figures
from skinapi.learning.train.card import README, describe_figures, with_clinic_figures
from skinapi.learning.train.openvino_export import write_model_files
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, HeldOutFigures, ModelCalibration
from skinapi.model.context import BodySite
from skinapi.model.network.model import CARD, Model, open_model
from skinapi.model.refusals import Reason
from tests.learning.conftest import Small, run_command
from tests.learning.test_figures import MELANOMA, NEVUS, phone, scope
from tests.learning.toy_answers import (
    CLINICAL,
    DERMOSCOPIC,
    answers_of,
    told_calibration,
    toy_model,
)

CAUTIOUS, STANDARD, SELECTIVE = OperatingPoint
WAYS = ("", "_sent", "_urgent")
SENT = {CAUTIOUS: 0.02, STANDARD: 0.1, SELECTIVE: 0.2}
BASAL = "basal_cell_carcinoma"


def with_points(calibration: ModelCalibration) -> ModelCalibration:
    return calibration.model_copy(
        update={
            kind: getattr(calibration, kind).model_copy(update={"sent": SENT})
            for kind in ("dermoscopic", "clinical")
            if getattr(calibration, kind) is not None
        }
    )


def pointed_model(point: OperatingPoint = CAUTIOUS) -> Model:
    told = told_calibration()
    clinical = Calibration(thresholds=told.dermoscopic.thresholds)
    return toy_model(with_points(told.model_copy(update={"clinical": clinical})).at(point))


def said(cancer: float, of: str = MELANOMA) -> Mapping[str, float]:
    return {of: cancer, NEVUS: 0.998 - cancer}


def rows() -> list[Any]:
    """Scores between the thresholds of the points. 0.9 is named, and asks for this week."""
    return [
        scope(MELANOMA, said(0.9), lesion="m0"),
        scope(MELANOMA, said(0.05), lesion="m1"),
        scope(BASAL, said(0.15, of=BASAL), lesion="b0"),
        scope(NEVUS, said(0.9), lesion="n0"),
        scope(NEVUS, said(0.15), lesion="n1"),
        scope(NEVUS, said(0.05), lesion="n2"),
        scope(NEVUS, said(0.01), lesion="n3"),
        replace_source(scope(NEVUS, said(0.01), lesion="n4"), "others"),
        phone(MELANOMA, said(0.9), lesion="pm", patient_id="one"),
        phone(NEVUS, said(0.01), lesion="pn", patient_id="two"),
        # The same lesion again, and by its other kind of picture.
        scope(MELANOMA, said(0.01), lesion="m0", image_id="m0-again"),
        phone(MELANOMA, said(0.01), lesion="m0", image_id="m0-close", source="scopes"),
    ]


def replace_source(row: Any, source: str) -> Any:
    sample, *given = row
    return replace(sample, source=source), *given


def measured(model: Model, **more: Any) -> dict[str, Any]:
    figures = measure_answers(model, answers_of(rows(), **more), lesions_known=True)
    told: dict[str, Any] = json.loads(json.dumps(figures, allow_nan=False))
    return told


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return measured(pointed_model())


def test_each_point_sends_what_reaches_its_threshold(figures: dict[str, Any]) -> None:
    points = {name: kinds["dermoscopic"] for name, kinds in figures["points"].items()}
    assert list(points) == ["cautious", "standard", "selective"]
    sent = {name: (row["malignant_sent"], row["benign_sent"]) for name, row in points.items()}
    assert sent == {"cautious": (3, 3), "standard": (2, 2), "selective": (1, 1)}
    assert {(row["malignant"], row["benign"], row["lesions"]) for row in points.values()} == {
        (3, 5, 8)
    }
    cautious = points["cautious"]
    assert (cautious["caught"], cautious["benign_below"]) == (1, 2 / 5)
    low, high = points["standard"]["caught_interval"]
    assert 0.2 < low < 2 / 3 < high < 1


def test_what_this_week_is_worth_is_told_of_the_lesions_that_were_told_so(
    figures: dict[str, Any],
) -> None:
    row = figures["points"]["standard"]["dermoscopic"]
    assert (row["melanomas"], row["melanomas_sent"], row["melanomas_urgent"]) == (2, 1, 1)
    assert (row["malignant_urgent"], row["benign_urgent"], row["urgent"]) == (1, 1, 2)
    assert (row["urgent_right"], row["benign_told_urgent"]) == (1 / 2, 1 / 5)
    assert row["melanomas_told_urgent"] == 1 / 2
    low, high = row["urgent_right_interval"]
    assert 0 < low < 1 / 2 < high < 1


def test_sources_and_kinds_have_a_row_each_and_a_lesion_one_picture_of_each_kind(
    figures: dict[str, Any],
) -> None:
    for kinds in figures["points"].values():
        lesions = {name: item["lesions"] for name, item in kinds.items()}
        assert lesions == {"dermoscopic": 8, "clinical": 3}
        scopes = kinds["dermoscopic"]["by_source"]
        lesions = {name: item["lesions"] for name, item in scopes.items()}
        assert lesions == {"others": 1, "scopes": 7}
        assert scopes["others"]["caught"] is scopes["others"]["urgent_right"] is None
        phones = kinds["clinical"]["by_source"]
        sent = {name: item["malignant_sent"] for name, item in phones.items()}
        assert sent == {"phones": 1, "scopes": 0}


def test_a_refused_picture_is_not_sent_at_any_point() -> None:
    points = measured(pointed_model(), unfit={"m0": Reason.BLURRED, "n0": Reason.BLURRED})["points"]
    for kinds, sent in zip(points.values(), (2, 1, 0), strict=True):
        row = kinds["dermoscopic"]
        assert (row["malignant"], row["malignant_sent"], row["urgent"]) == (3, sent, 0)
        assert row["urgent_right"] is None


def test_a_model_of_older_code_has_its_old_figures_alone() -> None:
    model = toy_model()
    figures = measured(model)
    assert figures["points"] == {}
    assert "operating point" not in described(figures)
    tested = with_test_figures(model, answers_of(rows())).calibration
    assert tested.dermoscopic.tested is not None
    assert tested.dermoscopic.point_figures == {}


def described(figures: dict[str, Any]) -> str:
    return describe_figures({"model_version": "toy", "skipped": {}, **figures})


def test_the_calibration_says_what_each_point_does_whichever_is_in_use() -> None:
    for point in OperatingPoint:
        model = with_test_figures(pointed_model(point), answers_of(rows()))
        own = model.calibration.dermoscopic
        assert own.tested is not None
        assert own.tested.sensitivity == 1
        counts = own.point_figures[STANDARD].model_dump()
        assert [counts[f"malignant{way}"] for way in WAYS] == [3, 2, 1]
        assert [counts[f"benign{way}"] for way in WAYS] == [5, 2, 1]
        assert [counts[f"melanomas{way}"] for way in WAYS] == [2, 1, 1]
        assert {figures.malignant_sent for figures in own.point_figures.values()} == {3, 2, 1}
        selective = own.tested_at(SELECTIVE)
        assert selective is not None
        assert selective.sensitivity == pytest.approx(1 / 3)
        assert model.calibration.for_modality(CLINICAL).point_figures[CAUTIOUS].malignant == 2


def test_a_place_and_a_clinic_that_is_in_no_training_have_figures_of_their_own() -> None:
    row = {"malignant": 200, "caught": 0.96}
    soles, few = {"malignant": 54, "caught": 0.97}, {"malignant": 9, "caught": 0.5}
    by_source = {"soles": soles, "few": few}
    card = {
        "sources": [
            {"name": "soles", "modality": ["dermoscopic"], "site": "acral"},
            {"name": "clinic", "modality": ["dermoscopic"], "site": None},
            {"name": "few", "modality": ["dermoscopic"], "site": "ear"},
        ],
        "left_out": [
            {"source": "soles", "figures": row},
            {"source": "clinic", "figures": {"malignant": 345, "caught": 0.948}},
            {"source": "few", "figures": {"malignant": 20, "caught": 0.5}},
        ],
        "figures": {"test": {"points": {"cautious": {"dermoscopic": {"by_source": by_source}}}}},
    }
    tested = HeldOutFigures(modality=DERMOSCOPIC, lesions=900, malignant=300, sensitivity=0.99)
    own = Calibration(tested=tested)
    calibration = with_clinic_figures(ModelCalibration(dermoscopic=own), card).dermoscopic

    def told(site: BodySite | None, point: OperatingPoint = CAUTIOUS) -> tuple[object, ...]:
        figures = calibration.tested_at(point, site)
        assert figures
        return figures.sent, figures.elsewhere, figures.at_site is not None

    assert told("acral") == (0.97, 0.96, True)
    assert told("ear") == told(None) == (0.99, 0.948, False)
    assert told(None, SELECTIVE) == (0.99, None, False), "nothing else was measured elsewhere"


def test_pictures_of_a_kind_that_nobody_told_do_not_count_as_a_test() -> None:
    untold = [(replace(sample, modality="unknown"), *given) for sample, *given in rows()]
    model = with_test_figures(pointed_model(), answers_of(untold))
    assert model.calibration.for_modality(DERMOSCOPIC).point_figures == {}


def test_a_model_that_was_calibrated_again_is_measured_again_by_one_command(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "STRESSES", {})
    folder = shutil.copytree(small.model, tmp_path / "model")
    before, model = json.loads((folder / CARD).read_text()), open_model(folder)
    write_model_files(folder, card=before, calibration=with_points(model.calibration))
    assert run_command(["card", folder, "--data", small.data], tmp_path) == 0
    after, calibration = json.loads((folder / CARD).read_text()), open_model(folder).calibration
    points = after["figures"]["test"]["points"]
    assert after["training"] == before["training"]
    assert after["figures"]["precision"] == before["figures"]["precision"]
    assert after["figures"]["test"]["lesions"] == before["figures"]["test"]["lesions"]
    assert set(calibration.dermoscopic.point_figures) == set(OperatingPoint)
    for point, figures in calibration.dermoscopic.point_figures.items():
        told = points[point]["dermoscopic"]
        assert told["malignant_sent"] == figures.malignant_sent
        assert told["lesions"] == figures.malignant + figures.benign
    assert "what each operating point does" in (folder / README).read_text()

    # A network without an account of its training has no such page.
    (folder / README).unlink()
    del after["training"]
    write_model_files(folder, card=after, calibration=calibration)
    assert run_command(["card", folder, "--data", small.third(tmp_path)], tmp_path) == 0
    again = json.loads((folder / CARD).read_text())["figures"]["test"]
    assert again["lesions"] < after["figures"]["test"]["lesions"]
    assert not (folder / README).exists()


def test_pictures_that_are_in_neither_part_measure_nothing(small: Small, tmp_path: Path) -> None:
    split: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    (tmp_path / "split.json").write_text(json.dumps(split))
    with pytest.raises(BadDataset, match="None of these pictures"):
        run_command(["card", tmp_path, "--data", small.data], tmp_path)
