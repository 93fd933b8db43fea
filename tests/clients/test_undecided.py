"""No client states a class that would read as harmless beside a doubt or a referral."""

from typing import Any

import pytest

from skinapi.clients.skinartify import Predictions, PredictionsAndResults
from skinapi.errors import Undecided
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding import Doubt, Finding, rank
from tests.clients.dialects import inference, skinartify, skinartify_document
from tests.clients.wired import Door
from tests.findings import finding_of, named_finding
from tests.photos import UNCERTAIN, photo_in

TABLE = conditions_table()
BENIGN = ["melanocytic_nevus", "dermatofibroma", "benign_keratosis", "vascular_lesion"]
MALIGNANT = ["melanoma", "basal_cell_carcinoma", "actinic_keratosis"]
URGENT: dict[str, Any] = {"band": Band.URGENT_REFERRAL, "raised_by": (RaisedBy.MELANOMA,)}
REFERRED: dict[str, Any] = {"band": Band.REFERRAL, "raised_by": (RaisedBy.BASAL_CELL_CARCINOMA,)}
IN_DOUBT: dict[str, Any] = {
    "band": Band.DOCTOR_REVIEW,
    "raised_by": (RaisedBy.UNCERTAIN,),
    "reasons": (Doubt.TOO_CLOSE,),
}
REVIEWED: dict[str, Any] = {"band": Band.DOCTOR_REVIEW, "raised_by": (RaisedBy.LITTLE_TESTED,)}


def action(band: Band) -> str:
    return TABLE.band_words(band, "en").action


@pytest.mark.parametrize("key", BENIGN)
@pytest.mark.parametrize(
    ("found", "begins"),
    [
        (URGENT, "Not excluded: Melanoma."),
        (REFERRED, "Not excluded: Basal cell carcinoma."),
        (IN_DOUBT, "This finding is uncertain: the model cannot tell the possibilities apart."),
    ],
)
@pytest.mark.parametrize("answer", [Predictions, PredictionsAndResults])
def test_skinartify_gets_a_sentence_where_its_maximum_would_read_as_harmless(
    answer: type[Predictions], key: str, found: dict[str, Any], begins: str
) -> None:
    with pytest.raises(Undecided) as told:
        answer.of(finding_of(key, probability=0.6, **found))
    assert told.value.detail.startswith(begins)
    assert "Not excluded: " in told.value.detail
    assert told.value.detail.endswith(action(found["band"]))


def test_skinartify_gets_a_sentence_where_a_rule_named_a_graver_condition() -> None:
    with pytest.raises(Undecided) as told:
        Predictions.of(named_finding("melanoma", most_probable="melanocytic_nevus"))
    assert told.value.detail == f"Not excluded: Melanoma. {action(Band.URGENT_REFERRAL)}"


@pytest.mark.parametrize(
    "finding",
    [
        *(finding_of(key, probability=0.6, **REVIEWED) for key in BENIGN),
        *(finding_of(key, probability=0.6, **URGENT) for key in MALIGNANT),
    ],
    ids=lambda finding: f"{finding.stated}, {finding.band}",
)
def test_skinartify_gets_its_numbers_where_they_do_not_mislead(finding: Finding) -> None:
    shares = Predictions.of(finding).predictions
    assert max(shares, key=shares.__getitem__) == TABLE.by_key(finding.stated).names.skinartify


def test_a_sentence_names_no_disease_where_the_urgency_is_about_none() -> None:
    ranked = rank({"melanocytic_nevus": 0.6, "dermatofibroma": 0.4})
    finding = finding_of("melanocytic_nevus", **IN_DOUBT, ranked=ranked)
    with pytest.raises(Undecided) as told:
        Predictions.of(finding)
    assert "Not excluded" not in told.value.detail
    assert told.value.detail.endswith(action(Band.DOCTOR_REVIEW))


@pytest.mark.parametrize("send", [skinartify, skinartify_document, inference])
def test_who_would_show_a_class_hears_422_of_an_uncertain_photo(door: Door, send: Any) -> None:
    answer = send(door, photo_in(UNCERTAIN))
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (422, "undecided")
    assert body["error"].startswith("This finding is uncertain")
    assert action(Band.DOCTOR_REVIEW) in body["error"] or action(Band.REFERRAL) in body["error"]
