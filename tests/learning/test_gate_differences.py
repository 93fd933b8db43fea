from dataclasses import replace

import numpy as np
import pytest

from skinapi.lab.jobs import model_comparison
from skinapi.lab.jobs.model_comparison import compare_for_gates
from skinapi.learning.data.datasets import load_sources
from skinapi.learning.measure.predictions import ModelOutputs, ServedResult, serve_outputs
from skinapi.model.conditions import Band
from skinapi.model.network.model import Model, open_model
from skinapi.model.registry.gates import GateName
from tests.learning.conftest import Small


def test_a_model_differs_from_itself_in_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_comparison, "FEWEST_LESIONS", 2)
    model = open_model(small.model)
    samples = list(load_sources([str(small.data)]).samples)[::3]
    found = compare_for_gates(model, model, samples, report=lambda _: None)
    assert found.differences.keys() == {*GateName} - {GateName.OTHER_PICTURES}
    for difference in found.differences.values():
        assert difference.first == difference.second
        assert (difference.low, difference.high) == (0, 0)


def test_a_model_that_refers_nobody_is_worse_for_every_malignant_class(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_comparison, "FEWEST_LESIONS", 2)
    cautious, careless = open_model(small.model), open_model(small.model)
    band_of = {id(cautious): Band.URGENT_REFERRAL, id(careless): Band.ROUTINE}

    def serve(model: Model, outputs: ModelOutputs) -> list[ServedResult]:
        return [
            ServedResult(replace(output.assessment, band=band_of[id(model)]), refused=None)
            for output in serve_outputs(model, outputs)
        ]

    monkeypatch.setattr(model_comparison, "serve_outputs", serve)
    samples = list(load_sources([str(small.data)]).samples)[::3]
    found = compare_for_gates(cautious, careless, samples, report=lambda _: None)
    for name in ("melanoma", "basal_cell_carcinoma", "actinic_keratosis"):
        sensitivity = found.differences[GateName(f"{name}_sensitivity")]
        assert sensitivity.second == 0 < sensitivity.first
        assert sensitivity.high < 0
    specificity = found.differences[GateName.SPECIFICITY]
    assert specificity.first == 0 < specificity.second, "it sends everybody to a doctor"


def test_few_melanomas_show_no_sensitivity(small: Small) -> None:
    """The interval would be so wide that a model which misses them all is "not worse"."""
    model = open_model(small.model)
    samples = list(load_sources([str(small.data)]).samples)
    melanomas = [sample for sample in samples if sample.label == "melanoma"]
    others = [sample for sample in samples if sample.label == "melanocytic_nevus"]
    few = [*melanomas[:3], *others[:6]]
    found = compare_for_gates(model, model, few, report=lambda _: None)
    few_shown = {GateName.MELANOMA_SENSITIVITY, GateName.SPECIFICITY}
    assert few_shown & found.differences.keys() == set()
    assert np.isfinite(found.differences[GateName.REFUSED_SHARE].first)
