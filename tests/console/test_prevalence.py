"""Probabilities that are restated for the clinic's PREVALENCE, as patient and doctor read them."""

import pytest

from skinapi.records.submission import NewFinding, Submission
from skinapi.vision.context import NOTHING_TOLD
from skinapi.vision.finding.headline import say_share
from tests.console.journey import Journey, Look
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.support.findings import restated_finding

OWN = 0.55
SECTIONS = ("overview", "importance_of_early_detection", "recommendation")


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    return seeder.person("doctor")


@pytest.fixture
def patient(seeder: Seeder, doctor: Caller) -> Caller:
    patient = seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    return patient


def file_restated(seeder: Seeder, patient: Caller) -> Submission:
    return seeder.services.records.file_finding(
        owner=seeder.accounts.get(patient.id),
        new=NewFinding(
            finding=restated_finding(own=OWN),
            context=NOTHING_TOLD,
            language="en",
            sections={**dict.fromkeys(SECTIONS, "said"), "confidence_explanation": "said"},
            narrative_source={"writer": "template"},
            key=None,
            request_hash="",
        ),
    )


def test_a_patient_reads_restated_figures_alone_and_a_doctor_unfolds_the_models(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller
) -> None:
    filed = file_restated(seeder, patient)
    number, score = filed.number, filed.finding.malignant_score
    own, said = say_share(OWN, malignant=True).en, "of 100 such spots, 2 turned out"
    as_patient = Journey(visitor, "patient", Look(PHONE, dark=False, language="en"))
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.see("cannot be ruled out")
    visitor.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    visitor.see(said)
    assert own not in visitor.text()
    as_patient.step("restated")
    as_doctor = Journey(visitor, "doctor", Look((1366, 900), dark=False, language="en"))
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row")
    as_doctor.step("queue")
    visitor.go(f"case/{number}")
    visitor.see(f"which order the queue: {say_share(score, malignant=True).en}")
    visitor.run("document.querySelectorAll('aside > details').forEach((e) => { e.open = true; })")
    visitor.see(said)
    assert own not in visitor.text()
    visitor.run("document.querySelectorAll('details details').forEach((e) => { e.open = true; })")
    visitor.see("33% show a skin cancer")
    assert own in visitor.text()
    as_doctor.step("restated")


def test_the_console_says_a_share_as_the_server_does(visitor: Visitor) -> None:
    """ "56%" in the headline, "56.5%" in the bars and "56.8%" beside them were one finding."""
    visitor.open("/console/")
    shares = [0.0, 0.004, 0.0101, 0.07, 0.145, 0.29, 0.565, 0.57, 0.985, 0.99, 0.9999, 1.0]
    for malignant in (False, True):
        said = visitor.run(
            "return import('/console/language.js').then((one) =>"
            f" {shares}.map((share) => one.sayShare(share, {str(malignant).lower()})))"
        )
        assert said == [say_share(share, malignant=malignant).en for share in shares]
