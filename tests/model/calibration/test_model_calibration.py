"""Logits become probabilities; the energy tells known from out-of-distribution pictures."""

import numpy as np
import pytest
from pydantic import ValidationError

from skinapi.model.calibration import Calibration, PatientFactsTable, softmax


def test_probabilities_sum_to_one_even_for_huge_logits() -> None:
    probabilities = softmax(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(probabilities).all()


def test_a_high_temperature_flattens_and_keeps_the_order() -> None:
    logits = np.array([3.0, 1.0, 0.0])
    cool, warm = softmax(logits), Calibration(temperature=4).probabilities(logits)
    assert warm.max() < cool.max()
    assert list(warm.argsort()) == list(cool.argsort())


def test_energy_is_high_where_something_is_recognised() -> None:
    energy = Calibration().energy(np.array([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert energy[0] > energy[1]


@pytest.mark.parametrize("wrong", [-21, float("nan"), float("inf")])
def test_a_senseless_number_is_refused(wrong: float) -> None:
    for name, value in {
        "temperature": wrong,
        "thresholds": {"melanoma": wrong},
        "prediction_sets": {"0.90": {"melanoma": wrong}},
        "too_close": wrong,
    }.items():
        with pytest.raises(ValidationError, match=name):
            Calibration.model_validate({name: value})
    with pytest.raises(ValidationError, match="sex"):
        PatientFactsTable(sex={"female": {"melanoma": wrong}})


def test_a_temperature_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        Calibration(temperature=0)
