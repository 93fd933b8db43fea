from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import compare_predictions, split_by_group
from skinapi.model.context import Modality
from tests.learning.conftest import Small, run_command
from tests.learning.toy_answers import judged


def test_a_clear_gain_is_resolved_in_every_figure() -> None:
    differences = compare_predictions(judged(skill=1.0), judged(skill=2.5))
    assert set(differences) == {
        *("macro_auc", "balanced_accuracy", "log_loss", "ece", "melanoma_auc", "malignant_auc"),
        "specificity_at_98%",
    }
    gain = differences["macro_auc"]
    assert gain.resolved
    assert 0 < gain.low < gain.second - gain.first < gain.high
    assert differences["log_loss"].high < 0
    for name in ("malignant_auc", "specificity_at_98%"):
        assert differences[name].resolved, name
        assert differences[name].second > differences[name].first


def test_specificity_is_read_where_98_percent_of_the_malignant_are_found() -> None:
    benign, malignant = np.arange(100) / 100, 0.5 + np.arange(100) / 100
    positive = np.repeat([False, True], 100)
    scores = np.concatenate([benign, malignant])
    # Two of the hundred malignant lie below the threshold of 0.52, and 48 of the benign reach it.
    assert metrics.specificity_at_sensitivity(scores, positive, 0.98) == 0.52
    assert np.isnan(metrics.specificity_at_sensitivity(scores, np.ones(200, bool), 0.98))


def test_sources_kinds_and_tones_are_compared_apart() -> None:
    answers = judged(skill=1.0)
    here = Sample("a", Path("x"), "melanoma", "l", {"skin_tone": "0"}, "one", Modality.CLINICAL)
    there = replace(here, source="two", modality=Modality.DERMOSCOPIC, facts={})
    samples = [here if row % 3 else there for row in range(len(answers.samples))]
    groups = dict(split_by_group(replace(answers, samples=samples)))
    assert list(groups) == [
        *("all clinical", "all dermoscopic", "dark skin", "one, clinical", "two, dermoscopic")
    ]
    assert groups["dark skin"].tolist() == groups["one, clinical"].tolist()
    assert groups["two, dermoscopic"].sum() == sum(sample is there for sample in samples)
    one_label = replace(answers, samples=samples, labels=np.zeros_like(answers.labels))
    assert dict(split_by_group(one_label)) == {}, "a class alone has no AUC"


def test_a_model_does_not_differ_from_itself() -> None:
    same = compare_predictions(judged(skill=1.0), judged(skill=1.0))["macro_auc"]
    assert (same.low, same.high, same.resolved) == (0, 0, False)
    assert "not resolved" in str(same)


def test_answers_to_other_pictures_are_refused() -> None:
    with pytest.raises(BadDataset, match="same pictures"):
        compare_predictions(judged(skill=1.0), judged(skill=1.0, name="other"))


def test_the_command_compares_on_validation_alone(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = small.model / "split.json"
    words = ["compare", small.model, small.model, "--data", small.data, "--split", split]
    assert run_command(words, tmp_path) == 0
    said = capsys.readouterr().out
    assert f"{len(small.watched)} validation pictures" in said
    assert "macro auc" in said
    assert "all dermoscopic" in said
    assert "not resolved" in said
