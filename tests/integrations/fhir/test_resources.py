from pathlib import Path
from typing import Any

import pytest

from skinapi.integrations.fhir.elements import condition_concept
from skinapi.integrations.fhir.kinds import KINDS
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.patient_facts import Fact
from tests.findings.prediction.photographer import predicted
from tests.integrations.fhir.clinic import Clinic, entries, read
from tests.integrations.fhir.test_search import walk_patient
from tests.integrations.fhir.validation import assert_valid, flat
from tests.support.findings import told_finding

# The codes that must not stand where a reader takes them for a diagnosis.
PUBLIC = ("http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm")


def report(clinic: Clinic, state: str) -> Any:
    return read(clinic.doctor, f"DiagnosticReport/{clinic.numbers[state]}")


def observed(clinic: Clinic, state: str, name: str) -> Any:
    return read(clinic.doctor, f"Observation/{clinic.numbers[state]}-{name}")


def test_everything_that_is_answered_is_valid(clinic: Clinic) -> None:
    answers = [read(clinic.ada, "metadata"), read(clinic.ada, "Nothing", status=404)]
    for person in (clinic.ada, clinic.doctor, clinic.admin):
        kinds = [name for name, kind in KINDS.items() if kind.searched]
        answers += [read(person, f"{name}?_count=200") for name in kinds]
    accept = {"Accept": "application/fhir+json"}
    answers.append(read(clinic.ada, f"Binary/{clinic.numbers['new']}-1", headers=accept))
    assert_valid(answers)
    answered = {item["resourceType"] for answer in answers for item in flat(answer)}
    assert answered >= {*KINDS, "Bundle", "CapabilityStatement", "OperationOutcome"}


STATUSES = {
    **dict.fromkeys(("new", "awaited", "unjudged"), "preliminary"),
    **dict.fromkeys(("signed", "unsure"), "final"),
    "changed": "amended",
}


def test_the_status_follows_the_review(clinic: Clinic) -> None:
    for state, status in STATUSES.items():
        assert report(clinic, state)["status"] == status, state
        for name in ("urgency", "likely-condition", "malignant-score"):  # nobody signs the model's
            assert observed(clinic, state, name)["status"] == "preliminary"


def test_only_what_is_proven_is_concluded_in_public_codes(clinic: Clinic) -> None:
    new = report(clinic, "new")
    assert "conclusion" not in new
    assert new["conclusionCode"][0]["text"] == "No doctor has signed a conclusion"
    for state in ("new", "unsure", "awaited"):
        (code,) = report(clinic, state)["conclusionCode"]
        assert "coding" not in code, state
        assert code["extension"][0]["valueCode"] == "temp-unknown"
    signed = report(clinic, "signed")
    systems = {item["system"]: item["code"] for item in signed["conclusionCode"][0]["coding"]}
    assert systems["http://snomed.info/sct"] == "93655004"
    assert "melanoma" in signed["conclusion"].lower()
    assert signed["resultsInterpreter"] == [{"display": "Dr Example"}]
    (bundle,) = report(clinic, "changed")["conclusionCode"]
    assert [item["system"] for item in bundle["coding"]] == ["urn:skinapi:conditions"]


def test_actinic_keratosis_alone_has_its_own_codes_and_no_bundles() -> None:
    coding = condition_concept("actinic_keratosis_alone")["coding"]
    assert [(item["system"], item["code"]) for item in coding] == [
        ("urn:skinapi:conditions", "actinic_keratosis_alone"),
        ("http://snomed.info/sct", "201101007"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "L57.0"),
    ]
    for key in ("actinic_keratosis", "bowens_disease"):
        assert len(condition_concept(key)["coding"]) == 1


def test_no_observation_of_the_model_is_coded_as_a_disease(clinic: Clinic) -> None:
    bundle = read(clinic.doctor, f"Observation?patient={clinic.patient}&_count=200")
    for entry in entries(bundle):
        outside = {name: value for name, value in entry.items() if name != "component"}
        assert not any(system in str(outside) for system in PUBLIC), entry["id"]
        if entry["code"]["coding"][0]["code"].startswith("probability"):
            assert entry["device"]["identifier"]["system"] == "urn:skinapi:models"
            assert entry["note"][0]["text"].startswith("For information only")


def test_what_a_doctor_decided_stands_beside_what_the_model_said(clinic: Clinic) -> None:
    decided = observed(clinic, "changed", "decided-urgency")
    assert decided["performer"] == [{"display": "Dr Example"}]
    assert "device" not in decided
    model = observed(clinic, "changed", "urgency")
    assert decided["valueCodeableConcept"] != model["valueCodeableConcept"]
    assert decided["status"] == "amended"
    assert observed(clinic, "signed", "decided-urgency")["status"] == "final"


def test_what_was_told_and_counted_is_said(clinic: Clinic) -> None:
    told = [*observed(clinic, "spot", "told")["component"]]
    codes = [item["code"]["coding"][0]["code"] for item in told]
    assert codes == ["age", "age-band", "sex", "checklist-score", "sign"]
    age, band, sex, score, sign = told
    assert (age["valueInteger"], band["valueString"], score["valueInteger"]) == (50, "45-59", 2)
    concepts = [item["valueCodeableConcept"]["coding"][0]["code"] for item in (sex, sign)]
    assert concepts == ["female", "change_in_size"]
    read(clinic.doctor, f"Observation/{clinic.numbers['new']}-told", status=404)


def test_a_probability_has_that_by_the_picture_alone_where_facts_changed_it(
    clinic: Clinic,
) -> None:
    clinic.numbers["moved"] = clinic.file(told_finding("melanoma", moved_by=(Fact.AGE,)))
    melanoma = observed(clinic, "moved", "probability-melanoma")
    _, alone = melanoma["component"]
    assert alone["code"]["coding"][0]["code"] == "by-picture-alone"
    shares = [item["valueQuantity"]["value"] for item in (melanoma, alone)]
    assert shares == pytest.approx([0.44, 0.31])
    said = report(clinic, "moved")["text"]["div"]
    assert "From the picture alone, without age: melanoma (31%)." in said
    assert len(observed(clinic, "new", "probability-melanoma")["component"]) == 1


def test_each_of_several_pictures_is_there_with_its_own_bytes(clinic: Clinic) -> None:
    number = clinic.numbers["several"]
    urls = [
        read(clinic.ada, item["link"]["reference"])["content"]["url"]
        for item in report(clinic, "several")["media"]
    ]
    assert [url.rpartition("/")[2] for url in urls] == [f"{number}-1", f"{number}-2"]
    photos = [clinic.ada.call("GET", f"/fhir/Binary/{number}-{place}") for place in (1, 2)]
    assert {photo.mimetype for photo in photos} == {"image/jpeg"}
    assert photos[0].data != photos[1].data


def test_a_doctor_who_reads_a_photo_is_in_the_audit(clinic: Clinic) -> None:
    clinic.doctor.call("GET", f"/fhir/Binary/{clinic.numbers['spot']}-1")
    newest = clinic.backend.audit()[-1]
    assert (newest["action"], newest["by"]) == ("photo.read", clinic.doctor_id)


def test_every_reference_leads_somewhere(clinic: Clinic) -> None:
    for resource in walk_patient(clinic.doctor, clinic.patient):
        for found in references(resource):
            read(clinic.doctor, found)


def references(element: Any) -> set[str]:
    if isinstance(element, list):
        return {found for item in element for found in references(item)}
    if isinstance(element, dict):
        own = {element["reference"]} if "reference" in element else set()
        return own | {found for item in element.values() for found in references(item)}
    return set()


def test_an_urgency_stays_while_a_result_is_awaited(clinic: Clinic) -> None:
    decided = observed(clinic, "awaited", "decided-urgency")
    assert decided["valueCodeableConcept"]["coding"][0]["code"] == "urgent_referral"
    assert "dataAbsentReason" not in decided
    assert report(clinic, "awaited")["status"] == "preliminary"


def test_words_beside_codes_of_a_decision_are_in_the_language_of_the_finding(
    tmp_path: Path,
) -> None:
    clinic = Clinic(tmp_path)
    number = predicted(clinic.ada, keep_photo="true", language="fr")["id"]
    clinic.review(number, label=None, certainty="suspected", urgency="urgent_referral")
    told = read(clinic.doctor, f"DiagnosticReport/{number}")
    assert told["conclusionCode"][0]["text"] == "Nature de la tache à préciser"
    decided = read(clinic.doctor, f"Observation/{number}-decided-urgency")
    words = conditions_table().band_words(Band.URGENT_REFERRAL, "fr")
    assert decided["valueCodeableConcept"]["text"] == words.doctor_label
