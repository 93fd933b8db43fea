import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.evaluation import measure_answers, measure_not_skin
from skinapi.learning.train.card import README, describe_limits, list_sources, write_readable_card
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from tests.learning.test_figures import BASAL, HEALTHY, MELANOMA, NEVUS, phone, scope, toy_rows
from tests.learning.toy_answers import answer, answers_of, told_calibration, toy_model

DERMOSCOPIC, CLINICAL, UNKNOWN = Modality


def learned(modality: Modality, count: int, **more: Any) -> list[Sample]:
    return [
        Sample(f"{modality}{row}", Path("x"), NEVUS, f"l{row}", modality=modality, **more)
        for row in range(count)
    ]


def stress() -> dict[str, Any]:
    row: dict[str, Any] = {"n": 3, "refused": 0.0, "band_raised": 0.01, "band_lowered": 0.0}
    for name in ("macro_auc", "balanced_accuracy"):
        row |= {name: 0.9, f"{name}_change": 0.0, f"{name}_change_interval": [0.0, 0.0]}
    return {"stress": {"untouched": row, "pen ring": row}}


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    calibration = told_calibration(
        prediction_sets={"0.90": {NEVUS: 0.5, MELANOMA: 0.1}}, too_few={"0.90": (BASAL,)}
    )
    model = toy_model(calibration)
    old = scope(MELANOMA, {NEVUS: 0.5, MELANOMA: 0.4}, lesion="old")
    answers = answers_of([*toy_rows(), old, phone(HEALTHY, HEALTHY, lesion="h")])
    foreign = answers_of([answer("not skin", NEVUS, lesion="cup", skin=False)])
    figures = {
        "model_version": "toy-1",
        "skipped": {},
        **measure_answers(model, answers, lesions_known=True),
        "not_skin": measure_not_skin(model, answers, foreign),
    }
    parts = {"train": answers.samples[:6], "test": answers.samples[6:]}
    written: dict[str, Any] = json.loads(
        json.dumps(
            {
                "architecture": "toy",
                "side": 64,
                "precision": "f32",
                "licence": "none",
                "limits": describe_limits(answers.samples),
                "sources": list_sources(parts, licences={"phones": "CC BY 4.0"}),
                "training": {
                    "command": "train --toy",
                    "notes": ["a note"],
                    "pictures": {"train": {NEVUS: 6}, "validation": {MELANOMA: 1}},
                    "phases": {},
                },
                "figures": {"test": figures, "validation": stress(), "precision": {"f32": 0.97}},
            }
        )
    )
    return written


def test_the_readable_card_has_every_table(card: dict[str, Any], tmp_path: Path) -> None:
    write_readable_card(tmp_path, card, "toy-1")
    page = (tmp_path / README).read_text()
    for said in (
        "| phones | clinical | CC BY 4.0 | 0 / 9 | 0 / 9 | 0 / 5 |",
        "| scopes | dermoscopic | - | 6 / 5 | 6 / 5 | not known |",
        "| mel | 0 | 3 | 2 | 0 |",
        "### By source",
        "### By modality",
        "### By skin tone",
        "squamous cell carcinoma",
        "prediction sets",
        "| dermoscopic | 0.90 | mel | 5 |",
        "+0.000 [+0.000 +0.000] | 0.000 | 0.010 | 0.000 |",
        "No way of abstaining reliably prevents silent failures",
    ):
        assert said in page
    assert "\n\n\n" not in page
    order = ["## Limits", "## Data", "## From a picture", "## Results", "## How it was trained"]
    assert [page.index(title) for title in order] == sorted(page.index(title) for title in order)


def test_a_model_of_dermoscopy_alone_says_so() -> None:
    limits = " ".join(describe_limits(learned(DERMOSCOPIC, 3, source="ham")))
    assert "Trained on dermoscope pictures alone. Not validated on phone" in limits
    assert "calibrated on the mix of classes of its sources (ham)" in limits
    assert "Skin tones of the training" not in limits
    assert "Squamous" not in limits


def test_a_model_says_which_classes_no_picture_showed() -> None:
    few = learned(DERMOSCOPIC, 3)
    seen = {sample.label for sample in few}
    (limit,) = [item for item in describe_limits(few) if "no picture of" in item]
    known, unseen = limit.split("no picture of")
    own = [item for item in conditions_table().conditions if item.counted_as is None]
    for condition in own:
        assert condition.names.en in (known if condition.key in seen else unseen)
    every = [replace(few[0], label=item.key) for item in own]
    assert any("knows seven classes" in item for item in describe_limits(every))


def test_a_model_of_both_counts_them_and_its_skin_types() -> None:
    facts = {"fitzpatrick": "2.0", "dx": "scc"}
    limits = " ".join(
        describe_limits([*learned(DERMOSCOPIC, 1200), *learned(CLINICAL, 2, facts=facts)])
    )
    assert "1,200 dermoscope pictures and 2 phone or other ordinary photographs" in limits
    assert "alone" not in limits
    assert "where known: light 2." in limits
    assert "Squamous cell carcinoma is counted as actinic keratosis" in limits
