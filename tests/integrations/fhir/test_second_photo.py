"""A doctor has suspected a melanoma of one photo of a spot. Another photo of it, which the model
takes for a mole but which is urgent for its signs, takes nothing of that back.
"""

from typing import Any

import pytest

from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band
from tests.care.clinic import file_for, patient_in_care
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.reviews import sign_review

MELANOMA = {"label": "melanoma", "certainty": "suspected", "urgency": "urgent_referral"}
BEFORE = "Since then: a new photo, on "
UNSEEN = "has not looked at this photo yet. What was decided about finding"


@pytest.fixture
def people(backend: Backend) -> tuple[Person, Person, int]:
    """The doctor, the patient, and the number of the second photo."""
    doctor, ada = patient_in_care(backend)
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first = file_for(backend, ada, Band.REFERRAL, lesion=spot)
    assert sign_review(doctor, first.number, MELANOMA).status_code == 201
    mole = finding_of(
        "melanocytic_nevus", band=Band.URGENT_REFERRAL, raised_by=(RaisedBy.CHECKLIST,)
    )
    return doctor, ada, file_for(backend, ada, mole.band, finding=mole, lesion=spot).number


def test_every_paper_and_resource_of_the_second_photo_says_what_the_doctor_decided(
    people: tuple[Person, Person, int],
) -> None:
    *readers, number = people

    def read(by: Person, path: str) -> Any:
        return by.call("GET", path)

    for by in readers:
        for reader in ("patient", "colleague"):
            path = f"/submissions/{number}/report.%s?reader={reader}"
            page = one_line(plain_text(read(by, path % "html").text))
            for text in (page, text_of(read(by, path % "pdf").data)):
                assert "elanoma" in text[: text.index(BEFORE)]
                assert text.count(BEFORE) == text.count(UNSEEN) == 1
        finding = read(by, f"/submissions/{number}").get_json()
        report = read(by, f"/submissions/{number}/report.json").get_json()
        assert report["decision"]["label"] == "melanoma"
        assert report["decision"]["signed_before"].count(BEFORE) == 1
        for sections in (finding["report"], report["narrative"]["sections"]):
            assert "elanoma" in sections["overview"]
            assert BEFORE in sections["recommendation"]
            assert UNSEEN in sections["recommendation"]
        found = read(by, f"/fhir/DiagnosticReport/{number}").get_json(force=True)
        assert "elanoma" in found["conclusion"]
        assert BEFORE in found["conclusion"]
        assert UNSEEN in found["conclusion"]
