"""Clients with seven classes read squamous cell carcinoma as actinic keratosis, never as a milder
disease.
"""

from collections.abc import Callable
from typing import Any

import pytest

from skinapi.base.errors import Refused
from skinapi.integrations.clients import photo_forms
from skinapi.integrations.clients.dermascan_diagnosis import Diagnosis
from skinapi.integrations.clients.explainable import NAMES
from skinapi.integrations.clients.photo_forms import (
    GuideAnswer,
    Predictions,
    PredictionsAndResults,
)
from skinapi.integrations.clients.service import (
    NO_DIAGNOSIS,
    Undecided,
    decided,
    over_known_classes,
    risk_of,
)
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import NotRuledOut, rank, sum_malignant
from skinapi.model.registry.inference import ClassifiedPhoto
from tests.integrations.clients.dialects import (
    SMALL,
    guide,
    inference,
    skinartify,
    skinartify_document,
)
from tests.integrations.clients.test_screens import RAISED
from tests.served.served_backend import ClientBackend
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


def test_skinartify_gets_a_sentence_where_a_cancer_is_raised_above_itself() -> None:
    with pytest.raises(Undecided) as told:
        Predictions.from_finding(finding_of("basal_cell_carcinoma", probability=0.6, **URGENT))
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


@pytest.mark.parametrize("found", [URGENT, REFERRED, IN_DOUBT, PASSED])
def test_an_urgent_picture_of_mostly_normal_skin_is_not_answered_with_no_lesion_found(
    found: dict[str, Any],
) -> None:
    finding = finding_of(NORMAL_SKIN, probability=0.6, **found)
    classified = ClassifiedPhoto(finding, read_photo(photo_of("melanocytic_nevus")))
    for answer in (
        lambda: Predictions.from_finding(finding),
        lambda: PredictionsAndResults.from_finding(finding),
        lambda: GuideAnswer.from_photo(classified),
    ):
        with pytest.raises(Undecided) as told:
            answer()
        assert told.value.detail.endswith(action(found["band"]))
    assert over_known_classes(finding) == finding
    diagnosis = Diagnosis.from_photo(classified)
    assert (diagnosis.class_name, diagnosis.confidence) == (NO_DIAGNOSIS, 0)
    assert diagnosis.treatment == action(found["band"])
    # If a carcinoma is named, a melanoma is as probable.
    assert diagnosis.severity == ("Critical" if found in (URGENT, REFERRED) else "Moderate")
    assert min(diagnosis.clinical_indicators.values()) > 0.3  # its screen shows less as "Low"
    assert CANNOT in diagnosis.description


def test_normal_skin_is_refused_where_nothing_speaks_for_a_lesion() -> None:
    for found in (REVIEWED, {"band": Band.SELF_MONITORING}):
        with pytest.raises(Refused):
            Predictions.from_finding(finding_of(NORMAL_SKIN, probability=0.6, **found))


def test_a_lesion_that_a_rule_named_on_normal_skin_is_not_turned_away() -> None:
    finding = named_finding("benign_keratosis", most_probable=NORMAL_SKIN)
    assert finding.band is Band.ROUTINE
    with pytest.raises(Undecided):
        Predictions.from_finding(finding)


def test_the_guides_page_gets_200_for_every_error_and_programs_get_the_status(
    client_backend: ClientBackend,
) -> None:
    """On any other status its page shows an invented benign mole."""
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


SQUAMOUS = "squamous_cell_carcinoma"
KERATOSIS = "actinic_keratosis"


def found(shares: dict[str, float], stated: str = SQUAMOUS, **fields: Any) -> Finding:
    left = (1 - sum(shares.values())) / (9 - len(shares))
    ranked = rank(dict.fromkeys(conditions_table().keys, left) | shares)
    return finding_of(stated, ranked=ranked, malignant_score=sum_malignant(ranked), **fields)


def classified(finding: Finding) -> ClassifiedPhoto:
    return ClassifiedPhoto(finding, read_photo(photo_of("melanoma")))


CLIENTS = (
    lambda finding: Predictions.from_finding(finding),
    lambda finding: decided(finding, NAMES),
    lambda finding: GuideAnswer.from_photo(classified(finding)),
)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_without_a_name_for_it_read_the_sentence(
    client: Callable[[Finding], object],
) -> None:
    with pytest.raises(Undecided) as told:
        client(found({SQUAMOUS: 0.76, KERATOSIS: 0.09}))
    assert told.value.detail.startswith(
        "Most likely a squamous cell carcinoma. See a doctor this week"
    )


def test_the_lab_shows_any_name() -> None:
    finding = found({SQUAMOUS: 0.6, KERATOSIS: 0.19})
    diagnosis = Diagnosis.from_photo(classified(finding))
    assert (diagnosis.class_id, diagnosis.class_name) == ("scc", "Squamous Cell Carcinoma")
    whole = 1 - finding.ranked[-1].probability  # without normal skin
    assert diagnosis.confidence == pytest.approx(0.6 / whole)
    assert diagnosis.severity == "Critical"
    assert "quamous cell carcinoma" in diagnosis.description


def test_the_malignant_score_loses_and_gains_nothing() -> None:
    finding = found({SQUAMOUS: 0.3, KERATOSIS: 0.3, "melanoma": 0.1})
    assert finding.within_known_classes().malignant_score == finding.malignant_score
    without = 1 - next(e.probability for e in finding.ranked if e.key == "normal_skin")
    seven = over_known_classes(finding)
    assert seven.malignant_score == pytest.approx(finding.malignant_score / without)


@pytest.mark.parametrize("first", ["melanocytic_nevus", "normal_skin"])
def test_what_both_together_make_the_most_probable_is_not_turned_away(first: str) -> None:
    shares = {first: 0.4, SQUAMOUS: 0.31, KERATOSIS: 0.25}
    own = conditions_table().by_key(first).urgency
    finding = found(shares, stated=first, band=own, raised_by=(RaisedBy.MOST_PROBABLE,))
    for client in CLIENTS[:1] + CLIENTS[2:]:
        with pytest.raises(Undecided) as told:
            client(finding)
        assert told.value.detail.startswith(finding.headline.for_patient.en)
    diagnosis = Diagnosis.from_photo(classified(finding))
    assert diagnosis.class_name == NO_DIAGNOSIS
    assert diagnosis.description.startswith(finding.headline.for_patient.en)


def test_what_is_not_ruled_out_names_each_condition_once() -> None:
    left = (NotRuledOut(level="0.95", keys=(SQUAMOUS, KERATOSIS, "melanoma"), too_few=(SQUAMOUS,)),)
    seven = found({SQUAMOUS: 0.6}, not_ruled_out=left).within_known_classes()
    assert seven.not_ruled_out[0].keys == (KERATOSIS, "melanoma")
    assert seven.not_ruled_out[0].too_few == (KERATOSIS,)


def test_a_doubt_between_the_two_is_still_told() -> None:
    doubt: dict[str, Any] = {"reasons": (Doubt.TOO_CLOSE,)}
    finding = found({SQUAMOUS: 0.45, KERATOSIS: 0.44}, **doubt)
    with pytest.raises(Undecided):
        Predictions.from_finding(finding)


def test_a_risk_is_the_higher_of_the_bands_and_the_stated_classs() -> None:
    bands = (Band.SELF_MONITORING, Band.ROUTINE, Band.DOCTOR_REVIEW, Band.URGENT_REFERRAL)
    risks = [risk_of(finding_of("melanocytic_nevus", band=band)) for band in bands]
    assert risks == ["Low", "Low", "Medium", "High"]
    assert risk_of(finding_of("melanoma", band=Band.REFERRAL)) == "High"


def test_no_severity_is_critical_where_the_advice_is_the_coming_weeks() -> None:
    shares = {"melanocytic_nevus": 0.955, "melanoma": 0.04}
    finding = found(shares, "melanocytic_nevus", **PASSED)
    assert finding.headline.named.key == "melanoma"
    assert risk_of(finding) == "Medium"
    diagnosis = Diagnosis.from_photo(classified(finding))
    assert (diagnosis.class_name, diagnosis.severity) == (NO_DIAGNOSIS, "Moderate")
    assert "in the coming weeks" in diagnosis.treatment


ROUTINE: dict[str, Any] = {"band": Band.ROUTINE, "raised_by": (RaisedBy.NEAR_THRESHOLD,)}


def test_what_is_to_be_mentioned_at_the_next_visit_is_a_result_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(photo_forms, "draw_overlay", lambda *_, **__: b"")
    finding = found({"melanocytic_nevus": 0.9}, "melanocytic_nevus", **ROUTINE)
    shown = PredictionsAndResults.from_finding(finding)
    assert shown.results[0].type == "nevus"
    assert shown.action == action(Band.ROUTINE)
    assert decided(finding, NAMES)
    answer = GuideAnswer.from_photo(classified(finding))
    assert answer.predictions[0].label == "melanocytic_nevi"
    assert "at your next visit" in answer.explanation or action(Band.ROUTINE) in answer.explanation
    assert "harmless" not in answer.explanation
    diagnosis = Diagnosis.from_photo(classified(finding))
    assert (diagnosis.class_id, diagnosis.severity) == ("nv", "Benign")
    assert diagnosis.treatment == action(Band.ROUTINE)
    assert "harmless" not in diagnosis.description
    assert min(diagnosis.clinical_indicators.values()) > 0.3
