import json
from dataclasses import replace
from typing import Any

import pytest

from skinapi.learning.measure.told_facts import measure_told
from skinapi.learning.train.card import TEMPLATES
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import ModelCalibration
from skinapi.model.patient_facts import PatientFactsTable, ToldLimits
from tests.learning.test_figures import MELANOMA, NEVUS, phone, scope
from tests.learning.test_points import SENT, with_points
from tests.learning.toy_answers import answers_of, told_calibration, toy_model

OLD = {MELANOMA: 3.0, NEVUS: 0.0}
TABLE = PatientFactsTable(
    age={20: {MELANOMA: -3.0, NEVUS: 0.0}, 80: OLD},
    limits={"age": ToldLimits(thresholds={}, sent=dict.fromkeys(OperatingPoint, 0.3))},
)


def of_age(row: Any, age: str) -> Any:
    sample, *given = row
    return replace(sample, facts={"age": age}), *given


def rows() -> list[Any]:
    """By the picture alone a young person's mole is as malignant as the old person's melanoma."""
    cancer, mole = {MELANOMA: 0.15, NEVUS: 0.8}, {MELANOMA: 0.15, NEVUS: 0.8}
    return [
        of_age(scope(MELANOMA, cancer, lesion="m"), "80"),
        of_age(scope(NEVUS, mole, lesion="n"), "20"),
        scope(NEVUS, mole, lesion="untold"),
        phone(MELANOMA, cancer, lesion="p"),
    ]


def model_of(table: PatientFactsTable) -> Any:
    calibration: ModelCalibration = with_points(told_calibration())
    lens = calibration.dermoscopic.model_copy(update={"patient_facts": table})
    return toy_model(calibration.model_copy(update={"dermoscopic": lens}))


def test_what_is_told_is_measured_on_those_who_told_it() -> None:
    model = model_of(TABLE)
    figures = measure_told(model, answers_of(rows()))
    ((source, measured),) = figures["dermoscopic"].items()
    assert (list(figures), source) == (["dermoscopic"], "scopes")
    assert (measured["n"], measured["malignant"]) == (2, 1)
    assert "signs" not in measured
    nothing, person = measured["nothing"], measured["person"]
    assert (nothing["malignant_auc"], person["malignant_auc"]) == (0.5, 1.0)
    assert person["gain"][0] == pytest.approx(0.5)
    for way, spared in (("nothing", 0.0), ("person", 1.0)):
        at = measured[way]["points"]["cautious"]
        assert (at["caught"], at["benign_below"]) == (1.0, spared), SENT


def test_a_source_of_melanomas_alone_has_no_auc_and_can_be_told_on_a_card() -> None:
    melanomas = [
        of_age(scope(MELANOMA, {MELANOMA: 0.15, NEVUS: 0.8}, lesion=name), "80") for name in "ab"
    ]
    told = measure_told(model_of(TABLE), answers_of(melanomas))
    person = told["dermoscopic"]["scopes"]["person"]
    assert (person["malignant_auc"], person["specificity_98%"]) == (None, None)
    json.dumps(told, allow_nan=False)
    shown = TEMPLATES.from_string('{% import "figures.j2" as show %}{{ show.told(told) }}')
    page = shown.render(told=told)
    assert "| 2 | 2 | - |  | - |" in page
    assert "1.000 / - / -" in page


def test_a_model_without_a_table_tells_nothing_of_facts() -> None:
    assert measure_told(model_of(PatientFactsTable()), answers_of(rows())) == {}
