"""The doctors' lists agree with the findings, and cost the same however many patients there are."""

import pytest

from skinapi.platform.storage.ports import Document
from tests.care.clinic import REVIEW, URGENT, file_for, patient_of
from tests.support.backends import Backend, Person


def misplaced(backend: Backend, doctor: Person) -> list[Person]:
    """Patients whose finding, or themselves, stand in the wrong place, as servers of the version
    before leave them that are killed between two writes.
    """
    patients = [patient_of(backend, doctor) for _ in range(4)]
    for patient in patients:
        file_for(backend, patient, URGENT)
    ada, ben, cyd, dan = patients
    wrongs: list[tuple[Person, Document]] = [
        (ada, {"$unset": {"doctor": True}}),
        (ben, {"$unset": {"queue_key": True}}),
    ]
    for patient, ops in wrongs:
        owner = backend.account(patient.email).id
        assert backend.services.store.collection("submissions").update({"owner": owner}, ops)
    backend.edit(cyd.email, queue_key="9")
    backend.edit(dan.email, findings=7)
    return patients


def test_check_finds_and_mends_lists_that_differ(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    patients = misplaced(any_backend, doctor)
    faults = list(any_backend.services.faults())
    owners = sorted(any_backend.account(one.email).id for one in patients)
    says = "the doctors' queue differs from the findings of account"
    assert sorted(fault.message for fault in faults) == [f"{says} {owner}" for owner in owners]
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_backend.services.faults()) == []
    assert len(doctor.pages("/queue")) == len(doctor.pages("/patients")) == 4
    assert {any_backend.account(one.email).findings for one in patients} == {1}


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        *(("submissions", f"{name}_key") for name in ("queue", "awaited", "rest")),
        *(("submissions", f"{name}_key") for name in ("hold", "due")),
        *(("lesions", name) for name in ("remind_at", "latest", "findings")),
    ],
)
def test_check_makes_each_key_again_and_mends_it(
    any_backend: Backend, collection: str, field: str
) -> None:
    doctor = any_backend.member(role="doctor")
    ada = patient_of(any_backend, doctor)
    spots = [
        ada.call("POST", "/lesions", json={"place": {"site": site}}).get_json()["id"]
        for site in ("back", "chest")
    ]
    sampled, held = (file_for(any_backend, ada, URGENT, lesion=spot).number for spot in spots)
    file_for(any_backend, ada, REVIEW)
    melanoma = {"label": "melanoma", "certainty": "sure"}
    for number, said in (
        (sampled, {"histology": "awaited", "told_by": "server"}),
        (held, {"told_by": "doctor"}),
    ):
        path = f"/submissions/{number}/review"
        assert doctor.call("POST", path, json={**melanoma, **said}).status_code == 201
    assert list(any_backend.services.faults()) == []
    stored = any_backend.services.store.collection(collection)
    right = {one["id"]: one.get(field) for one in stored.find()}
    for identifier, value in right.items():
        if value is not None:
            stored.update({"id": identifier}, {"$unset": {field: True}})
    assert {one["id"]: one.get(field) for one in stored.find()} != right
    [*faults] = any_backend.services.faults()
    assert faults
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert {one["id"]: one.get(field) for one in stored.find()} == right
    assert list(any_backend.services.faults()) == []
