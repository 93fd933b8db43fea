"""No client states a class that would read as harmless beside a doubt or a referral."""

from typing import Any

import pytest

from skinapi.base.errors import Refused
from skinapi.integrations.clients.dermascan_diagnosis import Diagnosis
from skinapi.integrations.clients.photo_forms import GuideAnswer, Predictions, PredictionsAndResults
from skinapi.integrations.clients.service import (
    CONDITION_NAMES,
    NO_DIAGNOSIS,
    Undecided,
    over_known_classes,
)
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import rank
from skinapi.model.registry.service import ClassifiedPhoto
from tests.integrations.clients.dialects import (
    SMALL,
    guide,
    inference,
    skinartify,
    skinartify_document,
)
from tests.integrations.clients.served_backend import ClientBackend
from tests.integrations.clients.test_screens import RAISED
from tests.support.findings import finding_of, named_finding
from tests.support.photos import UNCERTAIN, photo_in, photo_of

TABLE = conditions_table()
PAGE = "http://localhost:5173"
BENIGN = ["melanocytic_nevus", "dermatofibroma", "benign_keratosis", "vascular_lesion"]
MALIGNANT = ["melanoma", "basal_cell_carcinoma", "actinic_keratosis"]
URGENT: dict[str, Any] = {"band": Band.URGENT_REFERRAL, "raised_by": (RaisedBy.MELANOMA,)}
REFERRED: dict[str, Any] = {"band": Band.REFERRAL, "raised_by": (RaisedBy.BASAL_CELL_CARCINOMA,)}
IN_DOUBT: dict[str, Any] = {
    "band": Band.DOCTOR_REVIEW,
    "raised_by": (RaisedBy.UNCERTAIN,),
    "reasons": (Doubt.TOO_CLOSE,),
}
PASSED: dict[str, Any] = {
    "band": Band.DOCTOR_REVIEW,
    "raised_by": (RaisedBy.MALIGNANT, RaisedBy.LITTLE_TESTED),
}
REVIEWED: dict[str, Any] = {"band": Band.DOCTOR_REVIEW, "raised_by": (RaisedBy.LITTLE_TESTED,)}


CANNOT = "A skin cancer cannot be ruled out."


def action(band: Band) -> str:
    return TABLE.band_words(band, "en").action


@pytest.mark.parametrize("key", BENIGN)
@pytest.mark.parametrize(
    ("found", "begins"),
    [
        (URGENT, "Most likely a"),
        (REFERRED, "Most likely a"),
        (IN_DOUBT, "This finding is uncertain: the possibilities are close to each other."),
        (REVIEWED, "Most likely a"),
    ],
)
def test_skinartify_gets_a_sentence_where_its_maximum_would_read_as_harmless(
    key: str, found: dict[str, Any], begins: str
) -> None:
    with pytest.raises(Undecided) as told:
        PredictionsAndResults.of(finding_of(key, probability=0.6, **found))
    assert told.value.detail.startswith(begins)
    little = "A doctor should look at it, because this check was tried on too few such pictures."
    assert (little if found is REVIEWED else CANNOT) in told.value.detail
    assert told.value.detail.endswith(action(found["band"]))


@pytest.mark.parametrize(
    "finding",
    [
        *(
            finding_of(key, probability=0.6, band=TABLE.by_key(key).urgency)
            for key in (*BENIGN, *MALIGNANT)
        )
    ],
    ids=lambda finding: f"{finding.stated}, {finding.band}",
)
def test_skinartify_gets_its_numbers_where_they_do_not_mislead(finding: Finding) -> None:
    shares = Predictions.of(finding).predictions
    assert max(shares, key=shares.__getitem__) == CONDITION_NAMES[finding.stated].skinartify


def test_skinartify_gets_a_sentence_where_a_cancer_is_raised_above_itself() -> None:
    with pytest.raises(Undecided) as told:
        Predictions.of(finding_of("basal_cell_carcinoma", probability=0.6, **URGENT))
    said = "Most likely a basal cell carcinoma. A melanoma cannot be ruled out."
    assert told.value.detail == f"{said} {action(Band.URGENT_REFERRAL)}"


@pytest.mark.parametrize("send", [skinartify, skinartify_document, inference])
def test_clients_that_show_one_class_get_422_for_an_uncertain_photo(
    client_backend: ClientBackend, send: Any
) -> None:
    answer = send(client_backend, photo_in(UNCERTAIN))
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (422, "undecided")
    assert body["error"].startswith("This finding is uncertain")
    assert action(Band.DOCTOR_REVIEW) in body["error"] or action(Band.REFERRAL) in body["error"]


@pytest.mark.parametrize("found", [URGENT, REFERRED, IN_DOUBT, REVIEWED])
def test_the_guide_gets_a_sentence_where_its_page_would_say_likely_benign(
    found: dict[str, Any],
) -> None:
    """Above a malignant score of 0.3 its page sends people to a dermatologist."""
    judged = judged_as(malignant_score=0.25, **found)
    with pytest.raises(Undecided) as told:
        GuideAnswer.of(judged)
    assert told.value.detail.endswith(action(found["band"]))
    assert GuideAnswer.of(judged_as(malignant_score=0.35, **found)).malignant_score > 0.3


def test_the_guide_gets_its_numbers_where_its_page_may_say_likely_benign() -> None:
    answer = GuideAnswer.of(judged_as(malignant_score=0.25, band=Band.SELF_MONITORING))
    assert answer.malignant_score == pytest.approx(0.25)


@pytest.mark.parametrize("found", [URGENT, REFERRED, IN_DOUBT, PASSED])
def test_an_urgent_picture_of_mostly_normal_skin_is_not_answered_with_no_lesion_found(
    found: dict[str, Any],
) -> None:
    """The main API said "urgent referral", and every other client was told to try again."""
    finding = finding_of(NORMAL_SKIN, probability=0.6, **found)
    classified = ClassifiedPhoto(finding, read_photo(photo_of("melanocytic_nevus")))
    for answer in (
        lambda: Predictions.of(finding),
        lambda: PredictionsAndResults.of(finding),
        lambda: GuideAnswer.of(classified),
    ):
        with pytest.raises(Undecided) as told:
            answer()
        assert told.value.detail.endswith(action(found["band"]))
    assert over_known_classes(finding) == finding
    diagnosis = Diagnosis.of(classified)
    assert (diagnosis.class_name, diagnosis.confidence) == (NO_DIAGNOSIS, 0)
    assert diagnosis.treatment == action(found["band"])
    # Where a carcinoma is named, a melanoma is as probable.
    assert diagnosis.severity == ("Critical" if found in (URGENT, REFERRED) else "Moderate")
    assert min(diagnosis.clinical_indicators.values()) > 0.3  # its screen shows less as "Low"
    assert CANNOT in diagnosis.description


def test_normal_skin_is_refused_where_nothing_speaks_for_a_lesion() -> None:
    for found in (REVIEWED, {"band": Band.SELF_MONITORING}):
        with pytest.raises(Refused):
            Predictions.of(finding_of(NORMAL_SKIN, probability=0.6, **found))


def test_a_lesion_that_a_rule_named_on_normal_skin_is_not_turned_away() -> None:
    finding = named_finding("benign_keratosis", most_probable=NORMAL_SKIN)
    assert finding.band is Band.ROUTINE
    with pytest.raises(Undecided):
        Predictions.of(finding)


def judged_as(*, malignant_score: float, **found: Any) -> ClassifiedPhoto:
    """A mole, as far as its class goes."""
    shares = dict.fromkeys(("melanoma", "basal_cell_carcinoma"), malignant_score / 2)
    ranked = rank({"melanocytic_nevus": 1 - malignant_score, **shares})
    finding = finding_of("melanocytic_nevus", ranked=ranked, **found)
    return ClassifiedPhoto(finding, read_photo(photo_of("melanocytic_nevus")))


def test_the_guides_page_gets_200_for_every_error_and_programs_get_the_status(
    client_backend: ClientBackend,
) -> None:
    """On anything but 200 its page shows a benign mole of its own invention."""
    for photo in (RAISED, photo_in((0, 0, 0)), b"%PDF", b"x" * 3 * SMALL, None):
        program, page = (
            guide(client_backend, photo),
            guide(client_backend, photo, headers={"Origin": PAGE}),
        )
        assert program.status_code == 400
        assert page.status_code == 200
        told, body = program.get_json(), page.get_json()
        assert (body["code"], body["detail"]) == (told["code"], told["detail"])
        assert told["detail"] in body["explanation"]
        assert body["malignant_score"] > 0.3
        assert body["predictions"] == [{"label": "inconclusive", "probability": 0}]
        assert page.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_page_gets_405_and_skinartifys_errors_as_programs_do(
    client_backend: ClientBackend,
) -> None:
    here = {"headers": {"Origin": PAGE}}
    assert client_backend.client.get("/api/predict", **here).status_code == 405
    assert skinartify_document(client_backend, photo_in(UNCERTAIN), **here).status_code == 422
