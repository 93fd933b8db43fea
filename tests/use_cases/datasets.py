"""Data sets: sent, checked, published, chosen, deleted; and the copies of photos in them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from skinapi.lab.checks import publishing
from tests.lab.conftest import DecoderHere
from tests.lab.sending import labelled, upload, zipped
from tests.lab.test_from_reviews import Clinic, clinic_of
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on


@dataclass
class Lab:
    """A researcher, what she has sent, and the check of it, which does not begin by itself."""

    ada: Person
    root: Person
    uploads: list[str] = field(default_factory=list)
    dataset: str = ""
    patient: Person | None = None
    number: int = 0


Act = Callable[[Backend, Lab], object]


def a_researcher(backend: Backend) -> Lab:
    """Who has sent nothing."""

    def submit(dataset: str, check: Callable[[], object], *, owner: str) -> None:
        checks_of(backend)[owner] = check

    backend.services.lab.datasets.checks.submit = submit  # type: ignore[method-assign]
    return Lab(backend.member(role="researcher"), backend.member(role="admin"))


def checks_of(backend: Backend) -> dict[str, Callable[[], object]]:
    """The check of each account that waits."""
    found: dict[str, Callable[[], object]] = vars(backend).setdefault("waiting_checks", {})
    return found


def an_upload(backend: Backend) -> Lab:
    return with_upload(backend, zipped(labelled(4)))


def with_upload(backend: Backend, content: bytes) -> Lab:
    lab = a_researcher(backend)
    lab.uploads = [upload(lab.ada, content)]
    return lab


def half_an_upload(backend: Backend) -> Lab:
    lab = a_researcher(backend)
    body = {"name": "a.zip", "size": 5}
    lab.uploads = [lab.ada.call("POST", "/uploads", json=body).get_json()["id"]]
    return lab


def sent(backend: Backend) -> Lab:
    lab = an_upload(backend)
    send(backend, lab)
    return lab


def sent_nonsense(backend: Backend) -> Lab:
    lab = with_upload(backend, b"no archive")
    send(backend, lab)
    return lab


def published(backend: Backend) -> Lab:
    lab = sent(backend)
    check(backend, lab)
    return lab


def the_reference(backend: Backend) -> Lab:
    lab = published(backend)
    reference("POST")(backend, lab)
    return lab


def reviewed(backend: Backend) -> Lab:
    """Of all patients this one alone consents."""
    lab = a_researcher(backend)
    accounts = backend.services.store.collection("accounts")
    accounts.update_all({"role": "user"}, {"$set": {"consents": {}}})
    clinic: Clinic = clinic_of(backend)
    clinic.pictures = secrets.randbelow(10**6)
    lab.patient = clinic.patient()
    lab.number = clinic.finding(lab.patient, {})
    clinic.finding(lab.patient, {})
    from_reviews = {"name": f"reviewed {secrets.token_hex(4)}"}
    answer = lab.ada.call("POST", "/datasets/from-reviews", json=from_reviews)
    lab.dataset = answer.get_json()["id"]
    return lab


def made_of_reviews(backend: Backend) -> Lab:
    lab = reviewed(backend)
    check(backend, lab)
    return lab


def announce(_: Backend, lab: Lab) -> object:
    return lab.ada.call("POST", "/uploads", json={"name": "a.zip", "size": 5})


def send_part(_: Backend, lab: Lab) -> object:
    return lab.ada.call("PUT", f"/uploads/{lab.uploads[0]}/0", data=b"12345")


def delete_upload(_: Backend, lab: Lab) -> object:
    return lab.ada.call("DELETE", f"/uploads/{lab.uploads[0]}")


def send(_: Backend, lab: Lab) -> object:
    body = {"name": f"moles {secrets.token_hex(4)}", "uploads": lab.uploads}
    answer = lab.ada.call("POST", "/datasets", json=body)
    lab.dataset = answer.get_json().get("id", "")
    return answer


def check(backend: Backend, lab: Lab) -> object:
    """As the thread of the checks does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "PictureDecoder", DecoderHere)
        return checks_of(backend)[backend.account(lab.ada.email).id]()


def delete(_: Backend, lab: Lab) -> object:
    return lab.ada.call("DELETE", f"/datasets/{lab.dataset}")


def reference(method: str) -> Act:
    def act(_: Backend, lab: Lab) -> object:
        return lab.root.call(method, f"/datasets/{lab.dataset}/reference")

    return act


def withdraw(_: Backend, lab: Lab) -> object:
    assert lab.patient
    return lab.patient.call("PUT", "/me/consents", json={"training": False})


def delete_finding(_: Backend, lab: Lab) -> object:
    assert lab.patient
    return lab.patient.call("DELETE", f"/submissions/{lab.number}")


def sets_and_rows(backend: Backend, lab: Lab) -> Any:
    """What the researcher sees of data sets and uploads, the patient of consents and findings."""
    account = backend.account(lab.ada.email).id
    stored = backend.services.lab.datasets.data.datasets.list_of_owner(account)
    seen = []
    for identifier in {lab.dataset, *(one.id for one in stored)} - {""}:
        shown = lab.ada.call("GET", f"/datasets/{identifier}").get_json()
        fields = ("version", "pictures", "erased", "reference", "problem_code")
        images = len(lab.ada.pages(f"/datasets/{identifier}/images")) if shown.get("version") else 0
        status = shown["status"]
        seen.append((status, images, *map(shown.get, fields), *acts_on(backend, identifier)))
    uploads = backend.services.lab.uploads.uploads.list_of_owner(account)
    received = [
        lab.ada.call("GET", f"/uploads/{one.id}").get_json().get("received") for one in uploads
    ]
    return seen, received, patient_sees(backend, lab)


def patient_sees(backend: Backend, lab: Lab) -> Any:
    if lab.patient is None:
        return None
    consents = lab.patient.call("GET", "/me").get_json()["consents"]
    findings = lab.patient.call("GET", "/submissions").get_json()
    return consents, len(findings), acts_on(backend, backend.account(lab.patient.email).id)


USE_CASES = (
    UseCase("announce an upload", a_researcher, announce, sets_and_rows),
    UseCase("send a part of an upload", half_an_upload, send_part, sets_and_rows),
    UseCase("delete an upload", an_upload, delete_upload, sets_and_rows),
    UseCase("send a data set", an_upload, send, sets_and_rows),
    UseCase("publish a data set", sent, check, sets_and_rows),
    UseCase("refuse a data set", sent_nonsense, check, sets_and_rows),
    UseCase("choose the reference", published, reference("POST"), sets_and_rows),
    UseCase("end the reference", the_reference, reference("DELETE"), sets_and_rows),
    UseCase("delete a data set", published, delete, sets_and_rows),
    UseCase("make a data set of reviews", reviewed, check, sets_and_rows),
    UseCase("withdraw a consent", made_of_reviews, withdraw, sets_and_rows),
    UseCase("delete a finding with copies", made_of_reviews, delete_finding, sets_and_rows),
)
