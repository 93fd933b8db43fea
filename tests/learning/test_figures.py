import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from skinapi.learning.measure import metrics
from skinapi.learning.measure.evaluation import measure_answers, measure_not_skin, measure_tested
from skinapi.learning.measure.figures import measure_predictions, serve_as_if_tested
from skinapi.learning.measure.predictions import predict, serve_outputs
from skinapi.model.calibration import Calibration, NamingRule, TonesTested
from skinapi.model.conditions import Band
from skinapi.model.context import Modality
from skinapi.model.refusals import Reason
from tests.learning.toy_answers import (
    CLINICAL,
    DERMOSCOPIC,
    answer,
    answers_of,
    told_calibration,
    toy_model,
)

NEVUS, MELANOMA, BASAL = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
KERATOSIS, HEALTHY = "actinic_keratosis", "normal_skin"


def phone(truth: str, said: Any, *, lesion: str, **more: Any) -> Any:
    told = {"modality": CLINICAL, "seen_as": "clinical", "source": "phones", **more}
    return answer(truth, said, lesion=lesion, **told)


def scope(truth: str, said: Any, *, lesion: str, **more: Any) -> Any:
    return answer(truth, said, lesion=lesion, source="scopes", **more)


def toy_rows() -> list[Any]:
    """Two sources. Through the dermoscope one of four melanomas is taken for a nevus."""
    return [
        *(scope(NEVUS, NEVUS, lesion=f"n{i}") for i in range(6)),
        *(scope(MELANOMA, MELANOMA, lesion=f"m{i}") for i in range(3)),
        scope(MELANOMA, NEVUS, lesion="missed"),
        *(phone(NEVUS, NEVUS, lesion=f"pn{i}", patient_id=f"p{i}") for i in range(4)),
        *(phone(BASAL, BASAL, lesion=f"pb{i}", patient_id="one") for i in range(2)),
        phone(KERATOSIS, KERATOSIS, lesion="scc0", facts={"dx": "SCC", "fitzpatrick": "2.0"}),
        phone(KERATOSIS, NEVUS, lesion="scc1", facts={"dx": "scc", "fitzpatrick": "2"}),
    ]


def toy_figures(rows: Sequence[Any] | None = None, **more: Any) -> dict[str, Any]:
    return _figures_of_toys() if rows is None and not more else _figures(rows or toy_rows(), **more)


def _figures(rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    figures = measure_answers(toy_model(), answers_of(rows, **more), lesions_known=True)
    told: dict[str, Any] = json.loads(json.dumps(figures, allow_nan=False))
    return told


@cache
def _figures_of_toys() -> dict[str, Any]:
    return _figures(toy_rows())


def test_the_interval_of_a_share_says_of_how_few_lesions_it_is() -> None:
    rows = [scope(MELANOMA, NEVUS, lesion=f"m{i}") for i in range(3)]
    rows += [scope(NEVUS, NEVUS, lesion=f"n{i}") for i in range(6)]
    melanoma = toy_figures(rows)["per_class"]["mel"]
    for name in ("sensitivity", "named_sensitivity"):
        assert melanoma[name] == 0
        assert melanoma[f"{name}_interval"] == pytest.approx([0, 0.5615], abs=1e-4)
    assert melanoma["specificity_interval"] == pytest.approx([0.6097, 1], abs=1e-4)


def test_every_source_and_modality_has_its_own_table() -> None:
    figures = toy_figures()
    scopes, phones = figures["by_source"]["scopes"], figures["by_source"]["phones"]
    assert set(scopes["per_class"]) == {"mel", "nv"}
    assert set(phones["per_class"]) == {"akiec", "bcc", "nv"}
    assert scopes["balanced_accuracy"] == pytest.approx((1 + 3 / 4) / 2)
    assert phones["balanced_accuracy"] == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert scopes["melanoma_auc"] == pytest.approx(7 / 8)
    assert phones["melanoma_auc"] is None
    assert scopes["patients"] is None
    assert phones["patients"] == 5
    assert figures["by_modality"]["clinical"] == phones
    assert figures["one_per_lesion"]["by_source"]["scopes"]["lesions"] == 10


def test_every_group_says_who_is_sent_to_a_doctor_refused_or_taken_for_the_other_kind() -> None:
    rows = [
        *toy_rows(),
        scope(NEVUS, NEVUS, lesion="cup", skin=False),
        scope(NEVUS, NEVUS, lesion="seen", seen_as="clinical"),
    ]
    scopes = toy_figures(rows)["by_source"]["scopes"]
    assert (scopes["n"], scopes["malignant"]) == (12, 4)
    assert scopes["caught"] == 3 / 4
    assert scopes["benign_below"] == 1
    assert scopes["refused_share"] == pytest.approx(1 / 12)
    assert scopes["other_modality"] == pytest.approx(1 / 12)
    low, high = scopes["caught_interval"]
    assert 0.3 < low < 3 / 4 < high < 1


def test_a_source_of_both_kinds_has_a_line_for_each() -> None:
    rows = [(replace(sample, source="both"), *given) for sample, *given in toy_rows()]
    both = toy_figures(rows)["by_source"]["both"]
    shown = {kind: item["n"] for kind, item in both["by_modality"].items()}
    assert shown == {"clinical": 8, "dermoscopic": 10}
    assert "by_modality" not in toy_figures()["by_source"]["scopes"]


def test_each_skin_tone_has_its_figures_and_is_counted_in_the_card() -> None:
    rows = [
        row
        for step in ("0", "1.0", "2", "5", "dark", "9")
        for row in (
            scope(NEVUS, NEVUS, lesion=f"n{step}", facts={"skin_tone": step}),
            scope(MELANOMA, MELANOMA, lesion=f"m{step}", facts={"skin_tone": step}),
        )
    ]
    rows.append(scope(MELANOMA, NEVUS, lesion="missed", facts={"fitzpatrick": "6.0"}))
    figures = toy_figures(rows)["by_skin_tone"]
    shown = {name: item["n"] for name, item in figures.items()}
    assert shown == {"dark": 7, "light": 2, "medium": 2, "unknown": 2}
    assert (figures["dark"]["malignant"], figures["dark"]["caught"]) == (4, 3 / 4)
    assert figures["dark"]["macro_auc"] < figures["light"]["macro_auc"] == 1
    tested = measure_tested(toy_model(), answers_of(rows), DERMOSCOPIC)
    assert tested is not None
    assert tested.tones == TonesTested(light=2, medium=2, dark=7)


def test_a_source_of_one_class_is_counted_without_figures() -> None:
    rows = [*toy_rows(), answer(NEVUS, NEVUS, lesion="x", source="single")]
    alone = toy_figures(rows)["by_source"]["single"]
    assert (alone["n"], alone["lesions"], alone["one_class_only"]) == (1, 1, True)
    assert (alone["malignant"], alone["caught"], alone["benign_below"]) == (0, None, 1)
    assert "macro_auc" not in alone


def test_what_is_named_has_its_balanced_accuracy() -> None:
    rule = NamingRule(tau=1.0, prior={NEVUS: 0.9, BASAL: 0.1})
    rows = [
        *(scope(BASAL, {NEVUS: 0.7, BASAL: 0.3}, lesion=f"b{i}") for i in range(2)),
        *(scope(NEVUS, NEVUS, lesion=f"n{i}") for i in range(3)),
        scope(NEVUS, {NEVUS: 0.7, BASAL: 0.3}, lesion="victim"),
    ]
    figures = measure_predictions(
        predict(toy_model(told_calibration(naming=rule)), answers_of(rows))
    )
    assert figures["balanced_accuracy"] == 0.5
    assert figures["named_balanced_accuracy"] == pytest.approx((1 + 3 / 4) / 2)
    low, high = figures["named_balanced_accuracy_interval"]
    assert low < figures["named_balanced_accuracy"] <= high
    assert figures["per_class"]["bcc"]["named_sensitivity"] == 1
    assert figures["per_class"]["bcc"]["sensitivity"] == 0


def test_squamous_cell_carcinomas_are_measured_by_the_label_as_written() -> None:
    scc = toy_figures()["scc"]
    assert (scc["n"], scc["referral_or_higher"]) == (2, 0.5)
    low, high = scc["referral_or_higher_interval"]
    assert 0 < low < 0.5 < high < 1
    assert "scc" not in toy_figures(toy_rows()[:-2])


def test_a_refused_melanoma_was_not_caught() -> None:
    model, answers = toy_model(), answers_of(toy_rows(), unfit={"m0": Reason.TOO_DARK})
    tested = measure_tested(model, answers, Modality.DERMOSCOPIC)
    assert tested is not None
    assert tested.sensitivity == 0.5


def test_each_threshold_cuts_the_pictures_of_its_modality() -> None:
    calibration = told_calibration().model_copy(
        update={"clinical": Calibration(thresholds={"basal_cell_carcinoma": 0.999})}
    )
    answers = answers_of(toy_rows())
    figures = measure_answers(toy_model(calibration), answers, lesions_known=True)
    bands = figures["bands"]
    # The basal cell carcinomas are photographs, which do not reach 0.999.
    assert bands["basal_cell_carcinoma"] == {
        "threshold": None, "sensitivity": 0.0, "specificity": 1.0
    }  # fmt: skip
    assert (bands["melanoma"]["sensitivity"], bands["melanoma"]["specificity"]) == (0.75, 1)


def test_prediction_sets_hold_the_truth_as_often_as_they_say() -> None:
    limits = {"0.90": {NEVUS: 0.5, MELANOMA: 0.5}, "0.95": {NEVUS: 0.5, MELANOMA: 0.0005}}
    model = toy_model(told_calibration(prediction_sets=limits, too_few={"0.90": [MELANOMA]}))
    figures = measure_answers(model, answers_of(toy_rows()), lesions_known=True)
    assert set(figures["prediction_sets"]) == {"dermoscopic"}
    levels = figures["prediction_sets"]["dermoscopic"]
    narrow, wide = levels["0.90"], levels["0.95"]
    assert narrow["by_class"]["mel"]["coverage"] == 0.75
    assert narrow["by_class"]["nv"]["coverage"] == 1
    assert narrow["coverage"] == 0.9
    assert narrow["mean_size"] == 1
    assert wide["by_class"]["mel"]["coverage"] == 1
    assert wide["by_class"]["nv"]["mean_size"] == 2
    assert [narrow["by_class"][name]["too_few"] for name in ("mel", "nv")] == [True, False]
    low, high = narrow["by_class"]["nv"]["coverage_interval"]
    assert 0.5 < low < 1
    assert high == 1


def test_healthy_skin_is_recognised_or_called_malignant() -> None:
    rows = [
        *toy_rows(),
        *(phone(HEALTHY, HEALTHY, lesion=f"h{i}") for i in range(3)),
        phone(HEALTHY, MELANOMA, lesion="alarm"),
        scope(NEVUS, HEALTHY, lesion="overlooked"),
    ]
    healthy = toy_figures(rows)["normal_skin"]
    assert healthy["n"] == 4
    assert healthy["recognised"] == 0.75
    assert healthy["called_malignant"] == 0.25
    assert healthy["lesions_taken_for_it"] == pytest.approx(1 / 19)


def test_doubtful_skin_is_called_malignant_where_that_is_what_is_stated() -> None:
    rows = [*toy_rows(), phone(HEALTHY, {HEALTHY: 0.5, MELANOMA: 0.49}, lesion="doubt")]
    healthy = toy_figures(rows)["normal_skin"]
    assert (healthy["recognised"], healthy["called_malignant"]) == (1, 1)


def test_what_is_not_skin_is_refused_and_told_apart() -> None:
    foreign = answers_of(
        [
            *(answer("not skin", NEVUS, lesion=f"cup{i}", skin=False) for i in range(3)),
            answer("not skin", NEVUS, lesion="leather"),
        ]
    )
    figures = measure_not_skin(toy_model(), answers_of(toy_rows()), foreign)
    assert (figures["gates"]["n"], figures["refused_share"]) == (4, 0.75)
    assert figures["told_apart_by"] == "skin detector"
    assert figures["auroc"] == pytest.approx(1 - 1 / 8)  # the leather ties with every lesion
    assert figures["gates"]["outcomes"]["refused: not_skin"] == 3


def test_the_interval_of_a_share_knows_that_few_patients_prove_little() -> None:
    always = np.ones(20, bool)
    low, high = interval_of(always, groups=20)
    assert low == pytest.approx(0.8389, abs=1e-3)
    assert high == 1
    assert interval_of(always, groups=2)[0] < 0.4


def interval_of(hit: np.ndarray, *, groups: int) -> list[float]:
    names = [str(row % groups) for row in range(len(hit))]
    interval: list[float] = metrics.share_with_interval("share", hit, names)["share_interval"]
    return interval


def test_measured_bands_are_those_of_serving_once_enough_was_tested() -> None:
    answers, nevi = answers_of(toy_rows()), slice(0, 6)
    measured, served = serve_as_if_tested(toy_model(), answers), serve_outputs(toy_model(), answers)
    assert {item.assessment.band for item in served[nevi]} == {Band.DOCTOR_REVIEW}
    assert not {result.assessment.band for result in measured.results[nevi]} & {Band.DOCTOR_REVIEW}
