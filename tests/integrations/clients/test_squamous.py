"""Squamous cell carcinoma is an output of newer models. Clients of seven classes read its
probability within actinic keratosis, and never the name of a milder disease than the API's.
"""

from collections.abc import Callable
from typing import Any

import pytest

from skinapi.integrations.clients import photo_forms
from skinapi.integrations.clients.dermascan_diagnosis import Diagnosis
from skinapi.integrations.clients.photo_forms import GuideAnswer, Predictions
from skinapi.integrations.clients.service import (
    NO_DIAGNOSIS,
    Undecided,
    decided,
    name_for,
    over_known_classes,
)
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import NotRuledOut, rank, sum_malignant
from skinapi.model.registry.service import ClassifiedPhoto
from tests.support.findings import finding_of
from tests.support.photos import photo_of

SQUAMOUS = "squamous_cell_carcinoma"
KERATOSIS = "actinic_keratosis"


def found(shares: dict[str, float], stated: str = SQUAMOUS, **fields: Any) -> Finding:
    left = (1 - sum(shares.values())) / (9 - len(shares))
    ranked = rank(dict.fromkeys(conditions_table().keys, left) | shares)
    return finding_of(stated, ranked=ranked, malignant_score=sum_malignant(ranked), **fields)


def classified(finding: Finding) -> ClassifiedPhoto:
    return ClassifiedPhoto(finding, read_photo(photo_of("melanoma")))


CLIENTS = (
    lambda finding: Predictions.of(finding),
    lambda finding: decided(finding, "explainable"),
    lambda finding: GuideAnswer.of(classified(finding)),
)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_without_a_name_for_it_read_the_sentence(
    client: Callable[[Finding], object],
) -> None:
    """Of 76 % the screens said "akiec: Pre-cancerous" and "Actinic Keratoses"."""
    with pytest.raises(Undecided) as told:
        client(found({SQUAMOUS: 0.76, KERATOSIS: 0.09}))
    assert told.value.detail.startswith(
        "Most likely a squamous cell carcinoma. See a doctor this week"
    )


def test_the_lab_shows_any_name() -> None:
    finding = found({SQUAMOUS: 0.6, KERATOSIS: 0.19})
    diagnosis = Diagnosis.of(classified(finding))
    assert (diagnosis.class_id, diagnosis.class_name) == ("scc", "Squamous Cell Carcinoma")
    whole = 1 - finding.ranked[-1].probability  # without normal skin
    assert diagnosis.confidence == pytest.approx(0.6 / whole)
    assert diagnosis.severity == "Critical"
    assert "quamous cell carcinoma" in diagnosis.description


def test_each_client_names_the_carcinoma_that_the_api_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside keratosis with squamous cell carcinoma, 86 % was called "Actinic Keratoses"."""
    monkeypatch.setattr(photo_forms, "draw_overlay", lambda *_, **__: b"")
    basal = "basal_cell_carcinoma"
    raised: dict[str, Any] = {"band": Band.REFERRAL, "raised_by": (RaisedBy.ACTINIC_KERATOSIS,)}
    finding = found({basal: 0.86, KERATOSIS: 0.07, SQUAMOUS: 0.03}, basal, **raised)
    assert finding.headline.named.key == basal
    shares = Predictions.of(finding).predictions
    assert max(shares, key=shares.__getitem__) == "bcc"
    assert name_for(finding, "explainable") == "bcc"
    assert decided(finding, "explainable")
    answer = GuideAnswer.of(classified(finding))
    assert answer.predictions[0].label == basal
    assert "Most likely a basal cell carcinoma." in answer.explanation
    assert "keratosis" not in answer.explanation
    assert Diagnosis.of(classified(finding)).class_name == "Basal Cell Carcinoma"


def test_the_malignant_score_loses_and_gains_nothing() -> None:
    finding = found({SQUAMOUS: 0.3, KERATOSIS: 0.3, "melanoma": 0.1})
    assert finding.within_known_classes().malignant_score == finding.malignant_score
    without = 1 - next(e.probability for e in finding.ranked if e.key == "normal_skin")
    seven = over_known_classes(finding)
    assert seven.malignant_score == pytest.approx(finding.malignant_score / without)


@pytest.mark.parametrize("first", ["melanocytic_nevus", "normal_skin"])
def test_what_both_together_make_the_most_probable_is_not_turned_away(first: str) -> None:
    """Each alone is below the first; together they are what these clients read as the highest."""
    shares = {first: 0.4, SQUAMOUS: 0.31, KERATOSIS: 0.25}
    own = conditions_table().by_key(first).urgency
    finding = found(shares, stated=first, band=own, raised_by=(RaisedBy.MOST_PROBABLE,))
    for client in CLIENTS[:1] + CLIENTS[2:]:
        with pytest.raises(Undecided) as told:
            client(finding)
        assert told.value.detail.startswith(finding.headline.for_patient.en)
    diagnosis = Diagnosis.of(classified(finding))
    assert diagnosis.class_name == NO_DIAGNOSIS
    assert diagnosis.description.startswith(finding.headline.for_patient.en)


def test_what_is_not_ruled_out_names_each_condition_once() -> None:
    left = (NotRuledOut(level="0.95", keys=(SQUAMOUS, KERATOSIS, "melanoma"), too_few=(SQUAMOUS,)),)
    seven = found({SQUAMOUS: 0.6}, not_ruled_out=left).within_known_classes()
    assert seven.not_ruled_out[0].keys == (KERATOSIS, "melanoma")
    assert seven.not_ruled_out[0].too_few == (KERATOSIS,)


def test_a_doubt_between_the_two_is_still_told() -> None:
    """They are one class there, but the finding says that it cannot tell them apart."""
    doubt: dict[str, Any] = {"reasons": (Doubt.TOO_CLOSE,)}
    finding = found({SQUAMOUS: 0.45, KERATOSIS: 0.44}, **doubt)
    with pytest.raises(Undecided):
        Predictions.of(finding)
