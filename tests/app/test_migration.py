from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from skinapi.accounts.auth.account import Refusal
from skinapi.app.composition import services
from skinapi.app.composition.services import open_services
from skinapi.app.integrity_check import check_integrity
from skinapi.app.migration import run
from skinapi.app.migration.steps import OPENED, STEPS
from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.reviews import Opinion
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.number_key import NumberKey, wrap
from skinapi.platform.storage.ports import Document, set_or_remove
from skinapi.platform.storage.store_version import (
    FORMER,
    STORE_COLLECTION,
    VERSION,
    begin_migration,
    is_older,
    join_store,
)
from tests.app.former_keys import make_awaited_key, make_due_key, make_queue_key
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    ROUTINE,
    URGENT,
    file_for,
    numbers,
    patient_in_care,
    review,
)
from tests.care.test_cases import Clinic, answer, give
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_patients import program
from tests.support.backends import SECRET, Backend, erase

# What 2.0.0 did not store of them.
NEW = {
    "submissions": ("level", "queued_at", "covered_by", "disputed"),
    "reviews": ("lesion", "spot_version"),
    "lesions": ("version", "photo_wanted_at", "opened_at", "telling", "changed", "stubs"),
    "letters": ("spot_version",),
    "reports": ("spot_version", "letters"),
}


def make_former(backend: Backend) -> None:
    """Set the store's version to 2.0.0. `migration` is the lease of the migration within 2.0.0."""
    collection = backend.services.store.collection
    move_opinions_back(backend)
    for finding in collection("submissions").find():
        former = {"band": finding["finding"]["band"]}
        if "queue_key" not in finding and not finding.get("error"):
            former["queue_key"] = make_queue_key(finding)
        collection("submissions").update({"id": finding["id"]}, {"$set": former})
    for name, fields in NEW.items():
        collection(name).update_all({}, {"$unset": dict.fromkeys(fields, True)})
    [stored] = collection(STORE_COLLECTION).find()
    numbers = [{**stored["number_key"], "key": stored["key"]}]
    former = set_or_remove({"version": FORMER, "number_keys": numbers, "number_key": None})
    assert collection(STORE_COLLECTION).update({"id": STORE_COLLECTION}, former)
    ended = {"step": 9, "reached": "z", "held_until_at": now() - timedelta(days=9)}
    collection("leases").insert({"id": "migration", "schema": 1, "created_at": now(), **ended})


def move_opinions_back(backend: Backend) -> None:
    """Store each second opinion with its finding, as 2.0.0 did."""
    collection = backend.services.store.collection
    for spot in collection("lesions").find():
        if asked := spot.get("opinion"):
            fields = {
                "opinion_of": asked.get("colleague"),
                "opinion_by": asked.get("asker"),
                "opinion_at": asked["asked_at"],
                "opinion_question": asked.get("question"),
                "opinion_came_at": asked.get("came_at"),
            }
            collection("submissions").update({"number": asked["number"]}, set_or_remove(fields))
            collection("lesions").update({"id": spot["id"]}, {"$unset": {"opinion": True}})


def mail_of(kind: str, account: str) -> Document:
    later = now() + timedelta(days=1)
    return {
        "id": kind,
        "schema": 1,
        "created_at": now(),
        "account": account,
        "kind": kind,
        "about": "",
        "due_at": later,
        "expires_at": later,
        "attempts": 0,
    }


def test_a_store_of_the_former_release_is_migrated(real_backend: Backend) -> None:
    _, ada = patient_in_care(real_backend)
    finding = file_for(real_backend, ada, URGENT)
    store = real_backend.services.store
    due = make_due_key(now().date(), finding.number)
    keys: Any = {"rest_key": "z", "awaited_key": "z", "due_key": due, "hold_key": "z"}
    keys |= {"taken_by": "1" * 32, "taken_at": now()}
    store.collection("submissions").update({"id": finding.id}, {"$set": keys})
    owner = real_backend.account(ada.email).id
    outbox = store.collection("outbox")
    outbox.insert_many([mail_of("retired", owner), mail_of("judged_again", owner)])
    former_model: Any = {"state": "retired", "changes": [{"by": owner}], "test_part": "p"}
    store.collection("models").update({}, {"$set": former_model})
    make_former(real_backend)
    assert is_older(store)
    opened = open_services(real_backend.settings, store)
    assert store.collection(STORE_COLLECTION).find()[0]["version"] == VERSION
    assert not is_older(store)
    assert [mail["kind"] for mail in outbox.find()] == [Kind.NEWS]
    gone = {"taken_by", "taken_at", *keys}
    assert not store.collection("submissions").find()[0].keys() & gone
    assert not store.collection("models").find()[0].keys() & former_model.keys()
    assert [*opened.data.failed_items.walk_all()] == []
    assert [*check_integrity(opened)] == []
    assert [row["action"] for row in real_backend.audit()][-1] == "store.migrate"


def test_a_finding_without_a_spot_gets_one_of_its_own(real_backend: Backend) -> None:
    _, ada = patient_in_care(real_backend)
    made = predicted(ada, body_site="hand", body_laterality="left")
    store = real_backend.services.store
    [finding] = store.collection("submissions").find()
    former = {"$unset": {"lesion": True, "placed": True}}
    store.collection("lesions").delete({"id": finding["lesion"]})
    for _ in range(2):  # the second finds the spot, like an interrupted migration that goes on
        store.collection("submissions").update({"id": finding["id"]}, former)
        make_former(real_backend)
        opened = open_services(real_backend.settings, store)
        store.collection("leases").delete({})
    [spot] = ada.pages("/lesions")
    assert (spot["id"], spot["name"], spot["findings"]) == (made["lesion"], None, 1)
    assert (spot["place"]["site"], spot["place"]["laterality"]) == ("hand", "left")
    assert [*check_integrity(opened)] == []


def test_messages_of_a_deleted_spot_are_about_none(real_backend: Backend) -> None:
    grey, ada = patient_in_care(real_backend)
    lesion = predicted(ada)["lesion"]
    body = {"text": "How are you?"}
    assert grey.call("POST", f"/conversations/{lesion}/messages", json=body).status_code == 201
    store = real_backend.services.store
    [spot] = store.collection("lesions").find()
    gone = {"id": "d" * 32, "findings": 0, "latest": None, "deleted_at": now()}
    store.collection("lesions").insert({**spot, **gone})
    store.collection("messages").update_all({}, {"$set": {"lesion": "d" * 32}})
    make_former(real_backend)
    open_services(real_backend.settings, store)
    path = f"/conversations/{real_backend.account(ada.email).id}/messages"
    assert [item["text"] for item in ada.pages(path)] == ["How are you?"]
    assert [spot["id"] for spot in ada.pages("/lesions")] == [lesion]


def former_entry(account: str, *findings: Document) -> Document:
    of_one = {"found_at": now(), "label": "melanoma", "urgency": "urgent_referral", "also": []}
    return {
        "id": new_id(),
        "schema": 1,
        "created_at": now(),
        "account": account,
        "name": "Ada Example",
        "email": "ada@example.org",
        "findings": [{**of_one, **finding} for finding in findings],
        "numbers": ["hash"],
        "expires_at": now() + timedelta(days=3),
    }


@pytest.mark.parametrize("gone", ["the account", "all but its record", "the finding"])
def test_a_store_with_somebody_to_tell_who_is_stored_nowhere_else_is_refused(
    real_backend: Backend, gone: str
) -> None:
    ada, store = real_backend.member(), real_backend.services.store
    account = new_id() if gone == "the account" else real_backend.account(ada.email).id
    if gone == "all but its record":
        real_backend.edit(ada.email, status="suspended", record_kept_until_at=now())
    numbers = [7] if gone == "the finding" else []
    entry = former_entry(account, *({"number": it, "why": "unreviewed"} for it in numbers))
    store.collection("people_to_reach").insert(entry)
    make_former(real_backend)
    with pytest.raises(UnsafeSettings, match=r"is gone: 1\."):
        open_services(real_backend.settings, store)
    assert store.collection(STORE_COLLECTION).find()[0]["version"] == FORMER
    store.collection("people_to_reach").delete({})
    open_services(real_backend.settings, store)


def test_a_half_deleted_account_is_left_to_the_former_release(real_backend: Backend) -> None:
    real_backend.edit(real_backend.member().email, status="deleting")
    make_former(real_backend)
    with pytest.raises(UnsafeSettings, match=r"half deleted: 1\."):
        open_services(real_backend.settings, real_backend.services.store)


def test_a_person_to_reach_whose_account_is_there_is_to_be_told_of_the_spots(
    real_backend: Backend,
) -> None:
    grey, ada = patient_in_care(real_backend)
    number = file_for(real_backend, ada, URGENT).number
    store, account = real_backend.services.store, real_backend.account(ada.email).id
    people = store.collection("people_to_reach")
    people.insert(former_entry(account, {"number": number, "why": "unreviewed"}))
    make_former(real_backend)
    open_services(real_backend.settings, store)
    rows = grey.call("GET", "/waiting?kind=telling").get_json()
    assert [row["finding"]["id"] for row in rows] == [number]
    assert people.find() == []


def test_a_kept_record_becomes_a_closed_account_with_its_day_and_its_doctor(
    real_backend: Backend,
) -> None:
    """If somebody has since registered with the address, they keep that account."""
    grey, ada = patient_in_care(real_backend)
    number = file_for(real_backend, ada, ROUTINE).number
    store, account = real_backend.services.store, real_backend.account(ada.email).id
    until = now() + timedelta(days=900)
    record = {"record_kept_until_at": until, "record_made_at": now(), "former_identity": ["hash"]}
    record |= {"status": "suspended", "email": f"{account}@records.invalid", "password_hash": ""}
    store.collection("accounts").update({"id": account}, {"$set": record})
    again = real_backend.member(ada.email)
    real_backend.services.data.erased_ids.add("account", account, findings=1)
    make_former(real_backend)
    opened = open_services(real_backend.settings, store)
    closed = opened.data.accounts.get(account)
    assert (closed.status, closed.erase_at) == ("closed", until)
    [listed] = opened.data.erased_ids.walk_all()
    assert listed.kept_until_at == until  # a restore erases the account only then
    stored = store.collection("accounts").get(account) or {}
    assert not stored.keys() & {"record_kept_until_at", "record_made_at", "former_identity"}
    [patient] = grey.call("GET", "/patients").get_json()
    assert (patient["_id"], datetime.fromisoformat(patient["erase_at"])) == (account, until)
    assert grey.call("GET", f"/submissions/{number}").status_code == 200
    assert again.call("GET", f"/submissions/{number}").status_code == 404


def test_a_joined_account_becomes_a_closed_one_whose_number_finds_the_other(
    real_backend: Backend,
) -> None:
    _, ada = patient_in_care(real_backend)
    number = file_for(real_backend, ada, ROUTINE).number
    store, by = real_backend.services.store, program(real_backend)
    joined = real_backend.services.patients.find_or_add("urn:east", "1", by=by)
    other = real_backend.account(ada.email)
    accounts = store.collection("accounts")
    said = {"joined_to": other.id, "joined_because": "a passport", "status": "suspended"}
    accounts.update({"id": joined.id}, {"$set": said})
    accounts.update({"id": other.id}, {"$set": {"joined": [joined.id]}})
    webhook = {"id": new_id(), "created_at": now(), "schema": 1, "url": "https://a.example/"}
    webhook["secret"] = {"number": 1, "key": "k"}
    events = ["finding.stored", "account.joined"]
    store.collection("webhooks").insert({**webhook, "events": events, "enabled": False})
    make_former(real_backend)
    opened = open_services(real_backend.settings, store)
    closed = opened.data.accounts.get(joined.id)
    assert closed.status == "closed"
    assert closed.erase_at
    assert closed.erase_at > now() + timedelta(days=6)
    retired = {"joined_to", "joined_because", "joined"}
    assert not any(retired & account.keys() for account in accounts.find())
    assert store.collection("webhooks").find()[0]["events"] == ["finding.stored", "finding.changed"]
    assert opened.patients.find_or_add("urn:east", "1", by=by).id == other.id
    erase(opened, closed)
    assert opened.patients.find_or_add("urn:east", "1", by=by).id == other.id
    assert [*check_integrity(opened)] == []
    assert numbers(ada, "/submissions") == [number]


@pytest.mark.parametrize("kept", [False, True])
def test_an_erasure_that_the_former_release_has_not_finished_comes_to_its_end(
    real_backend: Backend, kept: bool
) -> None:
    """If the law requires the medical record, the account is closed, with the same receipt."""
    grey, ada = patient_in_care(real_backend)
    number = file_for(real_backend, ada, ROUTINE).number
    store, account = real_backend.services.store, real_backend.account(ada.email)
    code = real_backend.services.erasure.receipts.add(account.id, asked_by="person").code
    receipts = store.collection("erasure_receipts")
    if kept:
        real_backend.edit(
            ada.email, status="suspended", record_kept_until_at=now() + timedelta(days=900)
        )
    else:
        erase(real_backend.services, account)
    gone = {"gone_at": now() - timedelta(hours=1), "created_at": now() - timedelta(days=1)}
    receipts.update({"code": code}, {"$set": gone, "$unset": {"begun_at": True}})
    make_former(real_backend)
    opened = open_services(real_backend.settings, store)
    opened.erasure.finish_begun()
    receipt = opened.erasure.receipts.find_by_code(code)
    assert receipt
    assert (receipt.complete, receipt.begun_at is None) == (not kept, kept)
    assert grey.call("GET", f"/submissions/{number}").status_code == (200 if kept else 404)


def test_an_account_whose_deletion_waits_is_closed_until_the_same_day(
    real_backend: Backend,
) -> None:
    ada, store = real_backend.member(consents={"training": True}), real_backend.services.store
    account, due = real_backend.account(ada.email).id, now() + timedelta(days=3)
    real_backend.edit(ada.email, deletion_asked_at=now(), deletion_due_at=due)
    make_former(real_backend)
    closed = open_services(real_backend.settings, store).data.accounts.get(account)
    assert (closed.status, closed.erase_at, closed.may_teach) == ("closed", due, False)
    assert ada.call("GET", "/me").status_code == 401
    assert store.collection("sessions").find({"account": account}) == []


def test_who_was_suspended_before_the_deletion_is_not_erased_by_the_migration(
    real_backend: Backend,
) -> None:
    """In 2.0.0 an admin suspends an account to stop a thief who deletes it."""
    ada, store = real_backend.member(), real_backend.services.store
    due = now() - timedelta(days=2)
    account = real_backend.account(ada.email).id
    real_backend.edit(ada.email, status="suspended", deletion_asked_at=due, deletion_due_at=due)
    make_former(real_backend)
    opened = open_services(real_backend.settings, store)
    opened.erasure.begin_due()
    assert opened.data.accounts.get(account).status == "closed"


def former_opinion(**said: Any) -> Document:
    nothing = ("label", "agrees_with_label", "urgency", "agrees_with_urgency")
    return {
        **dict.fromkeys((*nothing, "histology", "histology_result")),
        "certainty": "sure",
        "new_picture_wanted": False,
        **said,
    }


SELF = Band.SELF_MONITORING
MOLE = {"label": "melanocytic_nevus"}
MELANOMA = {"label": "melanoma"}
RESULT = {**MELANOMA, "histology": "confirmed", "histology_result": "melanoma"}
SAMPLE = {**MELANOMA, "histology": "awaited"}
UNSURE: dict[str, Any] = {"certainty": "unsure"}
PHOTO: dict[str, Any] = {**UNSURE, "new_picture_wanted": True}
LABORATORY = {**MELANOMA, "certainty": "laboratory"}


@pytest.mark.parametrize(
    ("band", "signed", "restated"),
    [
        (URGENT, [("a", MOLE)], {"urgency": SELF, **MOLE, "certainty": "sure"}),
        (URGENT, [("a", {**MOLE, **UNSURE})], {"urgency": URGENT, "certainty": "suspected"}),
        (URGENT, [("a", {**MOLE, **UNSURE, "urgency": REVIEW})], {"urgency": REVIEW}),
        (REFERRAL, [("a", {"label": "melanoma", "agrees_with_label": True})], {"urgency": URGENT}),
        (
            URGENT,
            [("a", {**MOLE, "histology": "awaited"})],
            {"urgency": URGENT, "sample": "waiting"},
        ),
        (URGENT, [("a", {**MOLE, "histology": "not_taken"})], {"urgency": SELF, "sample": "none"}),
        (ROUTINE, [("a", PHOTO)], {"urgency": ROUTINE, "certainty": None, "photo_wanted": True}),
        (URGENT, [("a", {**PHOTO, "urgency_waits": True})], {"urgency": ROUTINE}),
        (ROUTINE, [("a", {**RESULT, "urgency": ROUTINE})], {"urgency": URGENT, **LABORATORY}),
        (ROUTINE, [("a", RESULT), ("a", {**RESULT, "urgency": ROUTINE})], {"urgency": ROUTINE}),
        (ROUTINE, [("a", MELANOMA), ("b", MOLE)], {"urgency": URGENT, **MOLE}),
        (ROUTINE, [("a", MELANOMA), ("a", MOLE)], {"urgency": SELF}),
        (ROUTINE, [("a", MELANOMA), ("b", MOLE), ("b", MOLE)], {"urgency": URGENT}),
        (SELF, [("a", SAMPLE), ("b", PHOTO)], {**MELANOMA, "sample": "waiting", "urgency": URGENT}),
        (SELF, [("a", RESULT), ("b", PHOTO)], {**LABORATORY, "photo_wanted": True}),
        (SELF, [("a", RESULT), ("b", MELANOMA)], {**LABORATORY, "urgency": URGENT}),
    ],
)
def test_a_review_is_restated_with_what_the_former_release_showed(
    backend: Backend, band: Band, signed: list[tuple[str, Any]], restated: dict[str, Any]
) -> None:
    grey, ada = patient_in_care(backend)
    finding = file_for(backend, ada, band)
    reviews = backend.services.store.collection("reviews")
    for _ in signed:
        answer(grey, finding.number, {"urgency": URGENT})
    for stored, (doctor, said) in zip(reviews.find(sort="id"), signed, strict=True):
        former = {"doctor": doctor * 32, "opinion": former_opinion(**said)}
        retired = {"downgrade_confirmed": True, "lowered_from": URGENT}
        assert reviews.update({"id": stored["id"]}, {"$set": {**former, **retired}})
    if restated.get("photo_wanted"):
        wanted: Any = {"$set": {"awaited_key": make_awaited_key("photo", now(), finding.number)}}
        backend.services.store.collection("submissions").update({"id": finding.id}, wanted)
    make_former(backend)
    open_services(backend.settings, backend.services.store)
    [*_, last] = reviews.find({"submission": finding.id}, sort="id")
    assert last["opinion"].keys() == Opinion.model_fields.keys()
    assert restated.items() <= last["opinion"].items()
    assert not last.keys() & {"downgrade_confirmed", "lowered_from"}
    decision = ada.call("GET", f"/submissions/{finding.number}").get_json()["decision"]
    assert restated.items() <= decision.items()


NAMED = {"a result": RESULT, "a sample": SAMPLE}


def sign_opinion(clinic: Clinic, later: Document | None = None, **said: Any) -> Document:
    """Let a colleague sign a second opinion on a mole as in 2.0.0, where it was a review. With
    `later` the doctor in charge has signed a review since.
    """
    answer(clinic.doctor, clinic.number, MOLE)
    assert clinic.ask(question="Excise it?").status_code == 200
    collection = clinic.backend.services.store.collection
    [review], identifier = collection("reviews").find(), new_id()
    asked = {"asked_by": review["doctor"], "question": "Excise it?", "note": "It is large."}
    by = {"doctor": clinic.backend.account(clinic.colleague.email).id, "signature": "Dr Ann Other"}
    opinion = former_opinion(**{**MELANOMA, **said})
    signed = {**review, "id": identifier, "created_at": now(), **asked, **by, "opinion": opinion}
    if later:
        answer(clinic.doctor, clinic.number, later)
    collection("reviews").insert(signed)
    if later:
        return signed
    move_opinions_back(clinic.backend)
    key = {"opinion_came_at": now(), "opinion_key": f"00{'1' * 13}{clinic.number:016d}"}
    gone = dict.fromkeys(("opinion_of", "opinion_by", "opinion_at", "opinion_question"), True)
    collection("submissions").update({"number": clinic.number}, {"$set": key, "$unset": gone})
    return signed


def migrate(backend: Backend) -> None:
    make_former(backend)
    open_services(backend.settings, backend.services.store)


def test_a_second_opinion_of_the_former_release_is_no_review(real_backend: Backend) -> None:
    clinic = Clinic(real_backend)
    later = file_for(real_backend, clinic.ada, ROUTINE).number
    signed = sign_opinion(clinic, urgency="referral", new_picture_wanted=True, certainty="unsure")
    clinic.ask(number=later)
    give(clinic.colleague, later)
    migrate(real_backend)
    [given] = clinic.case()["opinions"]
    assert given["comment"] == (
        "It is large.\nNot certain.\nUrgency: Referral.\nAnother photo is wanted."
    )
    told = [given[name] for name in ("_id", "signed_by", "question", "label")]
    assert told == [signed["id"], "Dr Ann Other", "Excise it?", "melanoma"]
    [review] = clinic.doctor.call("GET", f"{clinic.path}/reviews").get_json()
    assert review["label"] == MOLE["label"]
    assert numbers(clinic.doctor, "/queue?reviewed=false") == [later, clinic.number]
    assert clinic.doctor.call("DELETE", f"{clinic.path}/second-opinion").status_code == 200
    assert numbers(clinic.doctor, "/queue?reviewed=false") == [later]


@pytest.mark.parametrize("named", NAMED)
def test_a_finding_whose_opinion_named_a_sample_or_a_result_waits_for_its_doctor(
    real_backend: Backend, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic = Clinic(real_backend)
    sign_opinion(clinic, MOLE, **NAMED[named])
    assert numbers(clinic.doctor, "/queue?reviewed=false") == []
    migrate(real_backend)
    assert numbers(clinic.doctor, "/queue?reviewed=false") == [clinic.number]
    assert clinic.doctor.pages("/waiting?kind=result") == []
    assert clinic.case()["opinion_came_at"]
    assert clinic.case()["opinions"][0]["comment"].startswith("It is large.\nHistology: ")
    assert OPENED in capsys.readouterr().err


def test_an_opinion_whose_result_is_signed_opens_no_finding(real_backend: Backend) -> None:
    clinic = Clinic(real_backend)
    sign_opinion(clinic, LABORATORY, **NAMED["a result"])
    reviews = real_backend.services.store.collection("reviews")
    [result] = [item for item in reviews.find() if item["opinion"]["certainty"] == "laboratory"]
    reviews.update({"id": result["id"]}, {"$set": {"opinion": former_opinion(**RESULT)}})
    migrate(real_backend)
    assert numbers(clinic.doctor, "/queue?reviewed=false") == []


@pytest.mark.parametrize("why", ["gone", "declined"])
def test_an_opinion_that_did_not_come_leaves_the_queue(
    real_backend: Backend, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic = Clinic(real_backend)
    answer(clinic.doctor, clinic.number, MOLE)
    clinic.ask()
    move_opinions_back(real_backend)
    submissions = real_backend.services.store.collection("submissions")
    lost: Any = {"$set": {"opinion_lost": why, "opinion_key": f"00{'1' * 29}"}}
    if why == "declined":
        lost["$unset"] = {"opinion_of": True, "opinion_by": True, "opinion_at": True}
    else:
        lost["$set"]["doctor"] = real_backend.account(clinic.doctor.email).id
        lost["$unset"] = {"opinion_by": True}
    submissions.update({"number": clinic.number}, lost)
    migrate(real_backend)
    assert numbers(clinic.doctor, "/queue?reviewed=false") == []
    opinion = clinic.case()["opinion"]
    assert (opinion and opinion["doctor"]) == ("Dr Grace Hopper" if why == "gone" else None)
    named = f"The second opinion on finding {clinic.number}" in capsys.readouterr().err
    assert named is (why == "declined")


def test_the_newest_of_two_questions_about_a_spot_stays(
    real_backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic = Clinic(real_backend)
    submissions = real_backend.services.store.collection("submissions")
    [former] = submissions.find()
    later = file_for(real_backend, clinic.ada, ROUTINE, lesion=former["lesion"]).number
    for number, question in ((clinic.number, "Excise it?"), (later, "And this one?")):
        clinic.ask(number=number, question=question)
        move_opinions_back(real_backend)
    migrate(real_backend)
    assert clinic.case()["opinion"]["question"] == "And this one?"
    assert numbers(clinic.colleague, "/queue?reviewed=false") == [later]
    assert f"about findings [{clinic.number}] have ended" in capsys.readouterr().err
    assert not submissions.find()[0].keys() & {"opinion_of", "opinion_at", "opinion_question"}


def withhold(backend: Backend, finding: StoredFinding) -> None:
    store, until = backend.services.store, now() + timedelta(days=2)
    ends = {"hold_ends_at": until, "held_with_graver": True, "own_hold_ends_at": until}
    [review] = store.collection("reviews").find({"submission": finding.id})
    assert store.collection("reviews").update({"id": review["id"]}, {"$set": ends})
    key = f"{int(until.timestamp() * 1000):013d}{finding.number:016d}"
    keyed = {"$set": {"hold_key": key}}
    assert store.collection("submissions").update({"id": finding.id}, keyed)


def test_a_withheld_review_is_read_and_named_in_the_log(
    real_backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """A review whose time was over is not named. Nobody gets a mail."""
    grey, ada = patient_in_care(real_backend)
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    store = real_backend.services.store
    files = [file_for(real_backend, ada, URGENT, lesion=lesion) for lesion in (spot, None, None)]
    for finding in files:
        review(grey, finding.number)
    [*withheld, over] = files
    for finding in withheld:
        withhold(real_backend, finding)
    ended = {"$set": {"hold_ends_at": now() - timedelta(days=1)}}
    store.collection("reviews").update({"submission": over.id}, ended)
    wrong = {"$set": {"remind_at": now() + timedelta(days=2)}}
    store.collection("lesions").update({"id": spot}, wrong)
    store.collection("outbox").delete({})
    before = {item["id"]: item["changed"] for item in store.collection("submissions").find()}
    make_former(real_backend)
    opened = open_services(real_backend.settings, store)
    log = "".join(capsys.readouterr())
    for finding in files:
        says = f'"The patient can now read the review of finding {finding.number}"'
        assert (says in log) is (finding in withheld)
        decision = ada.call("GET", f"/submissions/{finding.number}").get_json()["decision"]
        assert decision["label"] == "melanoma"
        stored = store.collection("submissions").get(finding.id)
        assert stored
        assert "hold_key" not in stored
        assert (stored["changed"] > before[finding.id]) is (finding in withheld)
    for stored in store.collection("reviews").find():
        assert not {"hold_ends_at", "held_with_graver", "own_hold_ends_at"} & stored.keys()
    assert store.collection("outbox").find() == []
    assert [*check_integrity(opened)] == []


def test_an_interrupted_migration_continues(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other process opens the store meanwhile. A damaged record does not stop the migration."""
    store = real_backend.services.store
    people = [real_backend.account(real_backend.member().email).id for _ in range(3)]
    store.collection("outbox").insert_many([mail_of(kind, people[0]) for kind in "abc"])
    damaged = min(people)
    store.collection("accounts").update({"id": damaged}, {"$set": {"role": "nobody"}})
    make_former(real_backend)
    monkeypatch.setattr(services, "LONGEST_S", -1.0)
    monkeypatch.setattr(run, "READ_AT_ONCE", 2)
    seen = list[str]()
    while is_older(store):
        with pytest.raises(StoreUnavailable, match="older version"):
            join_store(store, secrets=[SECRET])
        try:
            data = open_services(real_backend.settings, store).data
        except StoreUnavailable as error:
            seen.append(error.detail.split()[-1])
    steps = [f"({name})" for name, _ in STEPS]
    for name in ("(outbox)", "(accounts)"):
        assert seen.count(name) == 2 * steps.count(name)
    assert store.collection("outbox").find() == []
    failed = [(item.work, item.item) for item in data.failed_items.walk_all()]
    assert failed == [("accounts", damaged), ("migration", damaged)]


def test_a_held_account_is_kept_and_a_pause_of_retention_ends(tmp_path: Path) -> None:
    """The store is not migrated while a sweep would delete what the pause has kept."""
    backend = Backend(tmp_path, retain_photos_days=120)
    store, held = backend.services.store, backend.member()
    facts = {"held_at": now(), "held_by": "-", "held_because": "a law suit"}
    store.collection("accounts").update({"email": held.email}, {"$set": facts})
    pause = {"id": "pause", "created_at": now(), "by": "-", "reason": "x", "schema": 1}
    store.collection("retention_pause").insert(pause)
    make_former(backend)
    with pytest.raises(UnsafeSettings, match="Retention is paused"):
        open_services(backend.settings, store)
    assert is_older(store)
    open_services(backend.settings.model_copy(update={"retain_photos_days": None}), store)
    assert store.collection("retention_pause").find() == []
    [account] = store.collection("accounts").find({"email": held.email})
    assert account["keep"] == "a law suit"
    assert not account.keys() & facts.keys()
    open_services(backend.settings, store)


def test_a_refused_account_gets_a_status_of_its_own(real_backend: Backend) -> None:
    refused, approved = real_backend.member(status="suspended"), real_backend.member()
    at, because = now() - timedelta(days=3), {"reason": "other", "note": "Come by.", "schema": 1}
    facts = {"refused": True, "refused_at": at, "refusal": because, "findings": 0}
    for person in (refused, approved):  # of the other one the refusal was taken back
        real_backend.edit(person.email, **facts)
    make_former(real_backend)
    accounts = open_services(real_backend.settings, real_backend.services.store).data.accounts
    found = [accounts.find_by_email(person.email) for person in (refused, approved)]
    expected = Refusal(reason="other", note="Come by.", refused_at=at)
    assert [item and (item.status, item.refusal) for item in found] == [
        ("refused", expected),
        ("approved", None),
    ]
    stored = real_backend.services.store.collection("accounts").find()
    assert not any({"refused", "refused_at", "findings"} & item.keys() for item in stored)


@pytest.mark.parametrize(
    ("must_change", "ends", "still"),
    [(True, timedelta(hours=-1), True), (True, None, True), (False, timedelta(hours=-1), False)],
)
def test_who_had_to_replace_a_password_still_has_to(
    real_backend: Backend, must_change: bool, ends: timedelta | None, still: bool
) -> None:
    person = real_backend.member()
    until = ends and {"initial_password_expires_at": now() + ends}
    real_backend.edit(person.email, must_change=must_change, **until or {})
    make_former(real_backend)
    accounts = open_services(real_backend.settings, real_backend.services.store).data.accounts
    found = accounts.find_by_email(person.email)
    assert found
    assert found.must_change == still
    if until and still:
        assert found.initial_password_expires_at == until["initial_password_expires_at"]


def test_two_servers_migrate_a_store_once(real_backend: Backend) -> None:
    make_former(real_backend)

    def migrate(_: int) -> None:
        while True:
            try:
                open_services(real_backend.settings, real_backend.services.store)
            except StoreUnavailable:  # the other server is working on it
                continue
            return

    with ThreadPoolExecutor(2) as threads:
        [*threads.map(migrate, range(2))]
    assert not is_older(real_backend.services.store)
    assert [row["action"] for row in real_backend.audit()].count("store.migrate") == 1


def test_a_server_with_another_key_migrates_nothing(real_backend: Backend) -> None:
    make_former(real_backend)
    before = real_backend.stored()
    with pytest.raises(UnsafeSettings, match="FORMER_JWT_SECRET_KEYS"):
        begin_migration(real_backend.services.store, secrets=["n" * 32], number_key={})
    assert real_backend.stored() == before


def add_number_key(backend: Backend, **fields: str) -> Document:
    """Give a store of 2.0.0 a newer key of numbers."""
    [stored] = backend.stored()[STORE_COLLECTION]
    newer = {**wrap(NumberKey.make(), SECRET), "key": stored["key"], **fields}
    change = {"$set": {"number_keys": [newer, *stored["number_keys"]]}}
    rows = backend.services.store.collection(STORE_COLLECTION)
    assert rows.update({"id": STORE_COLLECTION}, change)
    return newer


@pytest.mark.parametrize("fields", [{}, {"name": ""}, {"key": "lost"}])
def test_the_only_key_by_which_patients_are_numbered_is_kept(
    real_backend: Backend, fields: dict[str, str]
) -> None:
    """A store that 2.0.0 had migrated from 1.0.0 also has an unnamed key."""
    services, by = real_backend.services, program(real_backend)
    older = services.patients.find_or_add("urn:x", "1", by=by)
    make_former(real_backend)
    add_number_key(real_backend, **fields)
    open_services(real_backend.settings, services.store)
    changed = {"jwt_secret_key": SecretStr("n" * 32), "former_jwt_secret_keys": SecretStr(SECRET)}
    opened = open_services(real_backend.settings.model_copy(update=changed), services.store)
    assert opened.patients.number_key == services.patients.number_key
    assert opened.patients.find_or_add("urn:x", "1", by=by).id == older.id
    assert "number_keys" not in real_backend.stored()[STORE_COLLECTION][0]


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("fields", [{}, {"key": "lost"}])
def test_a_store_with_numbers_by_two_keys_is_not_migrated(
    real_backend: Backend, order: bool, fields: dict[str, str]
) -> None:
    store, by = real_backend.services.store, program(real_backend)
    real_backend.services.patients.find_or_add("urn:x", "1", by=by)
    ada = real_backend.member()
    predicted(ada)
    make_former(real_backend)
    number = f"{add_number_key(real_backend, **fields)['name']}:{'0' * 64}"
    if order:
        change = {"idempotency_key": f"fhir/{number}"}
        assert store.collection("submissions").update({}, {"$set": change})
    else:
        real_backend.edit(ada.email, external=number)
    before = real_backend.stored()[STORE_COLLECTION]
    with pytest.raises(UnsafeSettings, match=r"Start this store with 2\.0\.0 again"):
        open_services(real_backend.settings, store)
    assert real_backend.stored()[STORE_COLLECTION] == before


def test_numbers_that_were_given_up_keep_no_store_from_its_migration(real_backend: Backend) -> None:
    store, by = real_backend.services.store, program(real_backend)
    before = real_backend.services.patients.find_or_add("urn:x", "1", by=by)
    make_former(real_backend)
    newest = add_number_key(real_backend)
    [stored] = real_backend.stored()[STORE_COLLECTION]
    given_up = {**stored["number_keys"][1], "key": "unknown", "given_up": True}
    change = {"$set": {"number_keys": [newest, given_up]}}
    store.collection(STORE_COLLECTION).update({"id": STORE_COLLECTION}, change)
    opened = open_services(real_backend.settings, store)
    assert opened.patients.number_key.name == newest["name"]
    assert opened.patients.find_or_add("urn:x", "1", by=by).id != before.id


def test_the_log_names_each_change_that_the_operator_must_know(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = backend.account(backend.member().email)
    make_former(backend)
    monkeypatch.setattr(run, "STEPS", (("accounts", lambda *_: "It was changed."),))
    open_services(backend.settings, backend.services.store)
    [line] = [line for line in capsys.readouterr().err.splitlines() if '"migrated"' in line]
    assert '"It was changed."' in line
    assert ada.id in line
