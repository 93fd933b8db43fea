from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from skinapi.model.conditions import Band
from tests.care.clinic import file_for
from tests.integrations.fhir.clinic import Clinic, read
from tests.integrations.fhir.test_search import ids, walk
from tests.integrations.fhir.validation import assert_valid
from tests.support.findings import finding_of

MOLE = finding_of("melanocytic_nevus", band=Band.SELF_MONITORING)
MELANOMA = finding_of("melanoma", band=Band.URGENT_REFERRAL)
SURE_MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": "self_monitoring"}
SURE_MELANOMA = {"label": "melanoma", "certainty": "sure", "urgency": "urgent_referral"}


class Spot:
    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        place = {"place": {"site": "back", "side": "rear"}}
        self.lesion = self.clinic.ada.call("POST", "/lesions", json=place).get_json()["id"]
        self.first = self.photograph(MOLE)

    def photograph(self, finding: Any) -> int:
        backend, ada = self.clinic.backend, self.clinic.ada
        return file_for(backend, ada, finding.band, finding=finding, lesion=self.lesion).number

    def report(self, number: int) -> Any:
        return read(self.clinic.doctor, f"DiagnosticReport/{number}")

    def observed(self, number: int, name: str) -> Any:
        return read(self.clinic.doctor, f"Observation/{number}-{name}")


@pytest.fixture
def spot(tmp_path: Path) -> Iterator[Spot]:
    made = Spot(tmp_path)
    yield made
    made.clinic.backend.services.store.close()


def test_a_report_of_an_older_photo_says_what_counts_now_and_is_found_as_changed(
    spot: Spot,
) -> None:
    spot.clinic.review(spot.first, **SURE_MOLE)
    before = spot.report(spot.first)
    assert before["status"] == "final"
    second = spot.photograph(MELANOMA)
    after = spot.report(spot.first)
    assert after["status"] == "amended"
    assert after["meta"]["versionId"] != before["meta"]["versionId"]
    since = quote(before["meta"]["lastUpdated"])
    found = walk(spot.clinic.doctor, f"DiagnosticReport?_lastUpdated=gt{since}")
    assert {*ids(found)} == {str(spot.first), str(second)}
    assert after["conclusion"].startswith("Urgent referral")
    assert f"finding {second}" in after["conclusion"]
    assert "Doctor's decision: Melanocytic nevus" in after["conclusion"]
    assert "Since then: a new photo" in after["conclusion"]
    assert escape(after["conclusion"]) in after["text"]["div"]
    assert "resultsInterpreter" not in after  # no doctor has answered what counts
    assert "coding" not in after["conclusionCode"][0]
    assert datetime.fromisoformat(after["issued"]) > datetime.fromisoformat(before["issued"])
    decided = spot.observed(spot.first, "decided-urgency")
    assert (decided["status"], "valueCodeableConcept" in decided) == ("amended", False)
    assert f"finding {second}" in decided["dataAbsentReason"]["text"]
    told = read(spot.clinic.ada, f"DiagnosticReport/{spot.first}")["conclusion"]
    assert told.startswith("See a doctor this week")

    spot.clinic.review(second, **{**SURE_MELANOMA, "certainty": "laboratory"})
    signed = spot.report(spot.first)
    assert signed["status"] == "amended"
    assert signed["conclusionCode"][0]["text"] == "Melanoma"
    assert signed["resultsInterpreter"] == [{"display": "Dr Example"}]
    decided = spot.observed(spot.first, "decided-urgency")
    assert decided["status"] == "amended"
    assert decided["valueCodeableConcept"]["coding"][0]["code"] == "urgent_referral"
    assert_valid([signed, after, decided, spot.report(second)])


def test_a_photo_that_came_is_waited_for_no_more(spot: Spot) -> None:
    wanted = spot.photograph(MELANOMA)
    spot.clinic.review(wanted, photo_wanted=True)
    before = spot.report(wanted)
    assert before["status"] == "preliminary"
    assert before["conclusion"].startswith("Dr Example asked for another photo.")
    spot.photograph(MELANOMA)
    after = spot.report(wanted)
    assert after["status"] == "amended"
    assert after["conclusion"].startswith("Urgent referral")
    assert "Dr Example asked for another photo" in after["conclusion"]
    assert all(after["meta"][name] != before["meta"][name] for name in ("versionId", "lastUpdated"))


def test_a_photo_that_leaves_the_spot_takes_its_level_along(spot: Spot) -> None:
    spot.clinic.review(spot.first, **SURE_MOLE)
    before = spot.report(spot.first)
    second = spot.photograph(MELANOMA)
    replaced = spot.report(spot.first)
    ada, path = spot.clinic.ada, f"/submissions/{second}/lesion"
    left = ada.call("PUT", path, json={"lesion": None})
    assert left.status_code in (200, 204), left.text
    again = spot.report(spot.first)
    names = ("conclusionCode", "resultsInterpreter")
    assert [again[name] for name in names] == [before[name] for name in names]
    assert again["conclusion"].startswith(f"{before['conclusion']} Signed on ")
    assert again["status"] == "amended"
    assert again["meta"]["lastUpdated"] > replaced["meta"]["lastUpdated"]


@pytest.mark.parametrize(
    ("lang", "to_do"), [("en", "see a doctor this week"), ("fr", "voir un médecin cette semaine")]
)
def test_the_conclusion_after_a_voided_review_is_the_instruction(
    spot: Spot, lang: str, to_do: str
) -> None:
    clinic, doctor = spot.clinic, spot.clinic.doctor
    number = file_for(clinic.backend, clinic.ada, MOLE.band, finding=MOLE, language=lang).number
    assert "conclusion" not in spot.report(number)
    clinic.review(number, **SURE_MELANOMA)
    path = f"/submissions/{number}/reviews"
    [review] = doctor.call("GET", path).get_json()
    voided = doctor.call("POST", f"{path}/{review['_id']}/void", json={"reason": "Wrong."})
    assert voided.status_code == 200, voided.text
    after = spot.report(number)
    assert to_do in after["conclusion"]
    assert escape(after["conclusion"]) in after["text"]["div"]
    assert after["conclusionCode"][0]["text"] == "No doctor has signed a conclusion"
    assert_valid([after])
