from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import NotFound, StoreUnavailable
from skinapi.lab.checks.publishing import Publisher
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.jobs.job_services import write_training_folder
from skinapi.lab.service import DatasetsService
from tests.care.clinic import URGENT, file_for
from tests.findings.records.test_corrections import enter
from tests.lab.sending import await_check, picture
from tests.support.backends import Backend, Person, erase
from tests.support.reviews import signed_review

CONFIRMED = {"certainty": "laboratory"}


@dataclass
class Clinic:
    backend: Backend
    doctor: Person
    researcher: Person
    pictures: int = 0

    def patient(self, *, consents: bool = True, **fields: Any) -> Person:
        doctor = self.backend.account(self.doctor.email).id
        given = {"training": True} if consents else {}
        return self.backend.member(doctor_id=doctor, consents=given, **fields)

    def finding(self, patient: Person, *reviews: dict[str, Any], photo: bool = True) -> int:
        self.pictures += 1
        blob = self.backend.services.store.blobs.put(picture(self.pictures)) if photo else None
        number = file_for(self.backend, patient, URGENT, photo_blob=blob).number
        for said in reviews:
            body = {"label": "melanoma", **said}
            signed_review(self.doctor, number, body)
        return number

    def dataset(self, **said: Any) -> dict[str, Any]:
        body = {"name": "reviewed", **said}
        answer = self.researcher.call("POST", "/datasets/from-reviews", json=body)
        assert answer.status_code == 202, answer.text
        return await_check(self.researcher, answer.get_json()["id"])

    def await_end_of_check(self) -> None:
        with self.backend.services.get(DatasetsService).checks.now():
            pass

    def show(self, dataset: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = self.researcher.call("GET", f"/datasets/{dataset['id']}").get_json()
        return shown

    def images(self, dataset: dict[str, Any]) -> list[Any]:
        return self.researcher.pages(f"/datasets/{dataset['id']}/images")

    def blobs(self) -> int:
        return len(list(self.backend.services.store.blobs.keys()))

    def set_consent(self, patient: Person, *, given: bool) -> None:
        patient.call_ok("PUT", "/me/consents", json={"training": given})

    def check_integrity(self) -> list[str]:
        return [fault.message for fault in check_integrity(self.backend.services)]


def clinic_of(backend: Backend) -> Clinic:
    return Clinic(backend, backend.member(role="doctor"), backend.member(role="researcher"))


@pytest.fixture
def clinic(backend: Backend) -> Clinic:
    return clinic_of(backend)


def test_the_next_version_says_how_many_pictures_it_lost_and_why(clinic: Clinic) -> None:
    ada, bob, eve = (clinic.patient() for _ in range(3))
    clinic.finding(ada, CONFIRMED)
    deleted = clinic.finding(bob, CONFIRMED)
    clinic.finding(eve, CONFIRMED)
    first = clinic.dataset()
    assert "dropped" not in first["report"]["reviews"]
    clinic.set_consent(ada, given=False)
    assert bob.call("DELETE", f"/submissions/{deleted}").status_code == 200
    second = clinic.dataset()
    assert second["pictures"] == 1
    dropped = {"version": 1, "erased": 2, "withdrawn": 1}
    assert second["report"]["reviews"]["dropped"] == dropped
    clinic.set_consent(ada, given=True)  # what was erased is not undone
    third = clinic.dataset()
    assert third["pictures"] == 2
    assert third["report"]["reviews"]["dropped"] == {"version": 2, "erased": 0, "withdrawn": 0}
    assert clinic.dataset(name="another")["report"]["reviews"].get("dropped") is None


def test_reviewed_findings_become_a_data_set_and_the_rest_is_counted(clinic: Clinic) -> None:
    ada = clinic.patient()
    clinic.finding(ada, {"label": "melanoma"}, {"label": "melanocytic_nevus", **CONFIRMED})
    clinic.finding(ada, {"label": "melanoma"}, {"label": "dermatofibroma"})
    clinic.finding(ada, {"certainty": "suspected"})
    clinic.finding(ada, {"sample": "waiting"})
    clinic.finding(ada, {"label": "dermatofibroma"}, photo=False)
    clinic.finding(ada)  # nobody has reviewed it
    clinic.finding(clinic.patient(consents=False), CONFIRMED)
    clinic.finding(clinic.patient(status="suspended"), {})
    dataset = clinic.dataset(licence="internal")
    assert (dataset["status"], dataset["version"], dataset["labels_from"]) == (
        "published",
        1,
        "reviews",
    )
    assert dataset["counts"] == {"dermatofibroma": 1, "melanocytic_nevus": 1}
    assert dataset["report"]["reviews"] == {
        "labels_from": "reviews",
        "reviewed": 7,
        "taken": 2,
        "with_histology": 1,
        "counted_within": {},
        "left_out": {"awaiting_histology": 1, "no_consent": 2, "photo_not_kept": 1, "unsure": 1},
    }
    assert dataset["report"]["patients"]["count"] == 1
    assert {(image["label"], image["facts"]["dx_type"]) for image in clinic.images(dataset)} == {
        ("dermatofibroma", "review"),
        ("melanocytic_nevus", "histo"),
    }
    confirmed = clinic.dataset(labels_from="histology", name="confirmed")
    assert confirmed["counts"] == {"melanocytic_nevus": 1}
    left_out = confirmed["report"]["reviews"]["left_out"]
    assert left_out == {"no_consent": 2, "no_histology": 3, "photo_not_kept": 1}
    assert clinic.check_integrity() == []


def test_what_no_model_states_is_counted_within_a_class_or_left_out(clinic: Clinic) -> None:
    ada = clinic.patient()
    labels = ("actinic_keratosis_alone", "bowens_disease", "other_malignant", "inflammatory")
    for label in ("squamous_cell_carcinoma", *labels):
        clinic.finding(ada, {"label": label})
    dataset = clinic.dataset()
    assert dataset["counts"] == {"actinic_keratosis": 2, "squamous_cell_carcinoma": 1}
    said = dataset["report"]["reviews"]
    assert said["counted_within"] == {
        "actinic_keratosis_alone within actinic_keratosis": 1,
        "bowens_disease within actinic_keratosis": 1,
    }
    assert said["left_out"] == {"unknown_label": 2}


def test_the_same_request_sent_again_makes_no_second_data_set(clinic: Clinic) -> None:
    clinic.finding(clinic.patient(), {})

    def send(**said: str) -> TestResponse:
        body, headers = {"name": "reviewed", **said}, {"Idempotency-Key": "made-once"}
        return clinic.researcher.call("POST", "/datasets/from-reviews", json=body, headers=headers)

    first, again, other = send(), send(), send(labels_from="histology")
    assert first.get_json()["id"] == again.get_json()["id"]
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    await_check(clinic.researcher, first.get_json()["id"])
    assert send().get_json()["version"] == 1


def test_names_are_the_same_in_each_version_and_lead_to_no_account(clinic: Clinic) -> None:
    ada, ben = clinic.patient(), clinic.patient()
    for patient in (ada, ada, ben):
        clinic.finding(patient, {})
    first = clinic.dataset()
    rows = [row for row in clinic.backend.audit() if row["action"] == "photo.to_dataset"]
    account_of = clinic.backend.account
    assert {row["by"] for row in rows} == {account_of(clinic.researcher.email).id}
    assert sorted(row["target"] for row in rows) == sorted(
        account_of(p.email).id for p in (ada, ben)
    )
    clinic.finding(ben, {})
    second = clinic.dataset()
    assert (second["version"], second["pictures"]) == (2, 4)
    names = [
        {(image["image_id"], image["lesion"], image["patient"]) for image in clinic.images(each)}
        for each in (first, second)
    ]
    assert names[0] < names[1]
    assert len({patient for _, _, patient in names[1]}) == 2
    assert len({lesion for _, lesion, _ in names[1]}) == 4
    shown = str([first, second, clinic.images(first), clinic.images(second)])
    stored = clinic.backend.stored()
    for secret in [*(item["id"] for item in stored["submissions"]), ada.email, ben.email]:
        assert secret not in shown
    for patient in (ada, ben):
        assert account_of(patient.email).id not in shown


def test_a_withdrawn_consent_erases_the_copies(
    any_backend: Backend,
) -> None:
    clinic = clinic_of(any_backend)
    ada, ben = clinic.patient(), clinic.patient()
    for patient in (ada, ada, ben):
        clinic.finding(patient, {})
    kept = clinic.blobs()
    dataset = clinic.dataset()
    assert (dataset["pictures"], dataset["erased"]) == (3, 0)
    clinic.set_consent(ada, given=False)
    left = clinic.show(dataset)
    assert (left["pictures"], left["erased"], left["counts"]) == (1, 2, {"melanoma": 1})
    assert len(clinic.images(dataset)) == 1
    assert clinic.blobs() == kept + 2  # ben's picture and its thumbnail
    assert clinic.check_integrity() == []
    assert {row["action"] for row in any_backend.audit() if row["target"] == dataset["id"]} == {
        "dataset.sent",
        "dataset.published",
        "dataset.pictures_erased",
    }


@pytest.mark.parametrize("lost", ["dataset", "label", "size"])
def test_a_consent_is_withdrawn_though_a_copy_is_damaged(any_backend: Backend, lost: str) -> None:
    clinic = clinic_of(any_backend)
    ada, ben = clinic.patient(), clinic.patient()
    for patient in (ada, ada, ben):
        clinic.finding(patient, {})
    dataset = clinic.dataset()
    images = any_backend.services.store.collection("images")
    damaged, *_ = images.find({"account": any_backend.account(ada.email).id}, sort="id")
    images.update({"id": damaged["id"]}, {"$unset": {lost: True}})
    clinic.set_consent(ada, given=False)
    assert ada.call("GET", "/me/consents").status_code == 200
    assert len(clinic.images(dataset)) == images.count({}) == 1


@pytest.mark.parametrize("what", ["finding", "account"])
def test_a_deletion_reaches_the_copies(any_backend: Backend, what: str) -> None:
    clinic = clinic_of(any_backend)
    ada = clinic.patient()
    number = clinic.finding(ada, {})
    clinic.finding(clinic.patient(), {})
    dataset = clinic.dataset()
    if what == "finding":
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    else:
        account = any_backend.account(ada.email)
        erase(any_backend.services, account)
        kept = any_backend.stored(but=("guesses", "audit", "erased_ids", "erasure_receipts"))
        assert account.id not in str(kept)
    left = clinic.show(dataset)
    assert (left["pictures"], left["erased"]) == (1, 1)
    assert clinic.blobs() == 3
    assert clinic.check_integrity() == []


def test_who_withdraws_while_the_data_set_is_made_is_not_in_it(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = clinic_of(real_backend)
    ada, ben = clinic.patient(), clinic.patient()
    for patient in (ada, ben, clinic.patient()):
        clinic.finding(patient, {})
    kept = clinic.blobs()
    store = Publisher._store_pictures

    def withdraw_and_store(self: Publisher, *args: Any) -> None:
        clinic.set_consent(ada, given=False)
        store(self, *args)
        clinic.set_consent(ben, given=False)

    monkeypatch.setattr(Publisher, "_store_pictures", withdraw_and_store)
    dataset = clinic.dataset()
    assert (dataset["pictures"], dataset["erased"], dataset["counts"]) == (1, 2, {"melanoma": 1})
    assert len(clinic.images(dataset)) == 1
    assert clinic.blobs() == kept + 2
    assert clinic.check_integrity() == []


def test_a_failure_after_the_publication_refuses_and_empties_nothing(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.finding(clinic.patient(), {})
    store = clinic.backend.services.store
    run = store.transaction

    def lose_the_answer(act: Callable[[], Any]) -> Any:
        result = run(act)
        if isinstance(result, tuple) and isinstance(result[0], DatasetVersion):
            raise StoreUnavailable
        return result

    monkeypatch.setattr(store, "transaction", lose_the_answer)
    sent = clinic.researcher.call("POST", "/datasets/from-reviews", json={"name": "reviewed"})
    dataset = await_check(clinic.researcher, sent.get_json()["id"])
    clinic.await_end_of_check()
    assert (dataset["status"], len(clinic.images(dataset))) == ("published", 1)
    assert "dataset.refused" not in {row["action"] for row in clinic.backend.audit()}


def test_without_a_usable_finding_the_data_set_is_refused_and_says_why(clinic: Clinic) -> None:
    clinic.finding(clinic.patient(consents=False), {})
    dataset = clinic.dataset()
    assert (dataset["status"], dataset["problem_code"]) == ("refused", "bad_dataset")
    assert dataset["problem"] == "No reviewed finding may be used; the report says why"
    assert dataset["report"]["reviews"]["left_out"] == {"no_consent": 1}


def test_a_lost_photo_is_listed_as_unreadable(clinic: Clinic) -> None:
    ada = clinic.patient()
    clinic.finding(ada, {})
    clinic.finding(ada, {})
    [first, _] = clinic.backend.stored()["submissions"]
    clinic.backend.services.store.blobs.delete(first["photo_blob"])
    dataset = clinic.dataset()
    assert (dataset["pictures"], dataset["report"]["unreadable"]["count"]) == (1, 1)


def test_a_picture_that_is_lost_and_not_erased_is_named(clinic: Clinic, tmp_path: Path) -> None:
    clinic.finding(clinic.patient(), {})
    dataset = clinic.dataset()["id"]
    store = clinic.backend.services.store
    images = DatasetImages(store)
    first = next(images.walk(dataset))
    assert first.picture_blob
    store.blobs.delete(first.picture_blob)
    with pytest.raises(NotFound, match="lost"):
        write_training_folder(images, dataset, tmp_path / "lost")


def test_what_was_entered_in_error_teaches_no_model(clinic: Clinic) -> None:
    ada = clinic.patient()
    clinic.finding(ada, CONFIRMED)
    wrong = clinic.finding(ada, CONFIRMED)
    made = clinic.dataset()
    assert len(clinic.images(made)) == 2
    assert enter(clinic.doctor, wrong).status_code == 200
    clinic.await_end_of_check()
    assert len(clinic.images(made)) == 1
    report = clinic.dataset()["report"]["reviews"]
    assert (report["taken"], report["left_out"]) == (1, {"finding_deleted": 1})
