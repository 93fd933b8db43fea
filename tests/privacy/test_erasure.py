"""The erasure of an account: asked for, taken back, carried out, and checked by a code."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.languages import LANGUAGES
from skinapi.model.conditions import Band
from skinapi.model.registry.stored_version import Origin, PatientPictures
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.storage.ids import now
from skinapi.privacy.erasure import service
from skinapi.privacy.erasure.receipts import WORDS
from tests.care.clinic import file_for, patient_in_care, review
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import clinic_wide
from tests.privacy.test_joining import join
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.models import write_model
from tests.support.reviews import signed_review
from tests.use_cases.use_case import notices_to

ASKED = {"current_password": PASSWORD}


@pytest.fixture
def given(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {**MAIL, "photos": "always", **getattr(request, "param", {})}


WAITS = pytest.mark.parametrize("given", [{"deletion_wait_days": 7}], indirect=True)
KEEPS = pytest.mark.parametrize("given", [{"record_retention": 10}], indirect=True)


def finish(backend: Backend) -> None:
    backend.services.erasure.begin_due()
    backend.services.erasure.finish_begun()


def leave(person: Person) -> dict[str, Any]:
    body: dict[str, Any] = person.call_ok("DELETE", "/me", json=ASKED)
    return body


def verified(backend: Backend, code: str) -> dict[str, Any]:
    body: dict[str, Any] = backend.anyone.get(f"/receipts/verify/{code}").get_json()
    return body


def send_all(backend: Backend) -> None:
    outbox = backend.services.data.outbox
    outbox.mark_sent([Notice.model_validate(item) for item in outbox.find_due(10)])


def test_a_receipt_counts_what_was_erased_and_names_nobody(backend: Backend) -> None:
    talk = Talk(backend)
    number = predicted(talk.ada, lesion=talk.lesion)["id"]
    talk.ada.call("GET", f"/submissions/{number}/thumbnail")
    talk.ada.call("GET", f"/submissions/{number}/report.pdf")
    for talk.about_a_spot in (True, False):
        talk.sent(talk.ada, "It itches.")
    ada = backend.account(talk.ada.email).id
    backend.services.data.outbox.add(Kind.FILE_MADE, to=ada, about="my-data")
    code = leave(talk.ada)["receipt"]
    assert verified(backend, code)["receipt"]["complete"] is False
    finish(backend)
    verdict = verified(backend, code)
    receipt = verdict["receipt"]
    assert (verdict["valid"], receipt["complete"]) == (True, True)
    assert receipt["erased"] == {
        "account": 1,
        "findings": 1,
        "photos": 1,
        "thumbnails": 1,
        "reports": 1,
        "spots": 1,
        "messages": 2,
        "sessions": 1,
        "known_addresses": 1,
        "notices": 1,
    }
    assert (receipt["asked_by"], receipt["extent"]) == ("person", "account")
    assert talk.ada.email not in str(verdict)
    assert "Ada" not in str(verdict)


def test_a_printed_link_answers_in_words_whether_its_code_was_given_out(backend: Backend) -> None:
    """Also a browser, which the mail with the code leads there."""
    code = leave(backend.member())["receipt"]

    def said(code: str, language: str) -> tuple[bool, str]:
        asked = {"Accept": "text/html", "Accept-Language": language}
        answer = backend.anyone.get(f"/receipts/verify/{code}", headers=asked)
        assert answer.status_code == 200
        body = answer.get_json()
        return body["valid"], body["message"]

    assert said(code, "en") == (True, WORDS["en"].pending)
    finish(backend)
    for language in LANGUAGES:
        words = WORDS[language]
        assert said(code, language) == (True, f"{words.headlines['account']} {words.backups}")
        for wrong in ("0" * 32, "x", "0" * 5000):
            assert said(wrong, language) == (False, words.unknown)


def test_a_receipt_that_was_stored_with_a_signature_is_still_read(backend: Backend) -> None:
    code = leave(backend.member())["receipt"]
    finish(backend)
    former: dict[str, Any] = {"signature": "eA==", "public_key": "eA==", "language": "fr"}
    former |= {"kept": [{"what": "audit"}], "elsewhere": [], "backups": [], "remains": ["disk"]}
    receipts = backend.services.store.collection("erasure_receipts")
    receipts.update({"code": code}, {"$set": former})
    answer = verified(backend, code)
    assert (answer["valid"], answer["receipt"]["erased"]["account"]) == (True, 1)
    assert former.keys() & answer["receipt"].keys() == set()


def test_the_mail_with_the_receipt_outlives_the_account_and_goes_with_its_sending(
    backend: Backend,
) -> None:
    ada = backend.member(locale="fr")
    account = backend.account(ada.email).id
    code = leave(ada)["receipt"]
    finish(backend)
    (notice,) = backend.services.store.collection("outbox").find({"account": account})
    assert (notice["kind"], notice["address"], notice["language"]) == ("erased", ada.email, "fr")
    assert notice["about"] == f"receipts/verify/{code}"
    send_all(backend)
    assert ada.email not in str(backend.stored())


@WAITS
def test_a_deletion_that_waits_can_be_taken_back_and_opens_the_account_meanwhile(
    backend: Backend,
) -> None:
    ada = backend.member(consents={"training": True})
    account = backend.account(ada.email)
    asked = leave(ada)
    assert asked["message"] == "Account will be deleted"
    assert leave(ada)["deletion_at"] == asked["deletion_at"]
    assert notices_to(backend, account.id) == [Kind.DELETION_ASKED, Kind.DELETION_TOMORROW]
    again = backend.log_in(ada.email)
    shown = again.call("GET", "/me/deletion").get_json()
    assert (shown["deletion_at"], shown["wait_days"]) == (asked["deletion_at"], 7)
    assert again.call("GET", "/me").get_json()["deletion_at"] == asked["deletion_at"]
    assert backend.account(ada.email).may_teach is False
    finish(backend)
    assert again.call("DELETE", "/me/deletion").status_code == 200
    assert again.call("GET", "/me/deletion").get_json()["deletion_at"] is None
    assert notices_to(backend, account.id) == []
    refused = again.call("DELETE", "/me/deletion")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_deletion_waits")


def test_all_deletions_that_wait_are_dropped_after_a_restore_and_their_owners_told(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are read at once; one whose time is over may have been taken back in time."""
    backend, services = real_backend, real_backend.services
    monkeypatch.setattr(service, "DROPPED_AT_ONCE", 1)
    monkeypatch.setattr(services.data.outbox, "enabled", True)
    asked = [backend.member() for _ in range(3)]
    for days, person in zip((-1, 1, 2), asked, strict=True):
        due = now() + timedelta(days=days)
        backend.edit(person.email, deletion_asked_at=now(), deletion_due_at=due)
    stays = backend.account(backend.member().email)
    ids = [backend.account(person.email).id for person in asked]
    assert services.erasure.drop_waiting(by="system") == ids
    assert [notices_to(backend, item) for item in ids] == [[Kind.DELETION_DROPPED]] * 3
    services.erasure.begin_due()
    assert {backend.account(person.email).status for person in asked} == {"approved"}
    assert (backend.account(stays.email), notices_to(backend, stays.id)) == (stays, [])
    assert services.erasure.drop_waiting(by="system") == []


@WAITS
def test_a_deletion_whose_time_is_over_is_carried_out_and_cannot_be_taken_back(
    backend: Backend,
) -> None:
    ada = backend.member()
    account = backend.account(ada.email).id
    leave(ada)
    backend.edit(ada.email, deletion_due_at=now() - timedelta(seconds=1))
    refused = ada.call("DELETE", "/me/deletion")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "deletion_due")
    finish(backend)
    assert ada.call("GET", "/me").status_code == 401
    receipt = backend.services.data.receipts.find_newest(account)
    assert receipt is not None
    assert (receipt.complete, receipt.asked_by) == (True, "person")


@WAITS
def test_what_is_taken_back_in_the_moment_in_which_it_is_found_stays(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server, whose clock is behind, lets it be taken back."""
    ada = backend.member()
    leave(ada)
    found = backend.account(ada.email)
    monkeypatch.setattr(Accounts, "list_to_delete", lambda *_, **__: [found.id])
    assert ada.call("DELETE", "/me/deletion").status_code == 200
    finish(backend)
    assert ada.call("GET", "/me").status_code == 200


@WAITS
def test_a_doctor_who_got_patients_meanwhile_stays(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    leave(grey)
    backend.edit(grey.email, deletion_due_at=now() - timedelta(seconds=1))
    backend.member(doctor_id=backend.account(grey.email).id)
    finish(backend)
    shown = grey.call("GET", "/me/deletion").get_json()
    assert shown["obstacle"] == "doctor_has_patients"


def reviewed(backend: Backend) -> tuple[Person, Person, int, int]:
    """A doctor, a patient, and of the patient's findings one that the doctor has signed something
    about, and one that nobody has.
    """
    talk = Talk(backend)
    signed = predicted(talk.ada, lesion=talk.lesion)["id"]
    other = predicted(talk.ada, lesion=talk.begin())["id"]
    review(talk.grey, signed)
    for talk.about_a_spot in (True, False):
        talk.sent(talk.ada, "It itches.")
    return talk.grey, talk.ada, signed, other


@KEEPS
def test_a_record_that_the_law_keeps_stays_the_doctors_alone(backend: Backend) -> None:
    grey, ada, signed, other = reviewed(backend)
    account = backend.account(ada.email)
    colleague, root = backend.member(role="doctor"), backend.member(role="admin")
    preview = ada.call("GET", "/me/deletion").get_json()
    assert preview["kept_findings"] == [signed]
    assert preview["erased"]["findings"] == 1
    code = leave(ada)["receipt"]
    finish(backend)
    receipt = verified(backend, code)["receipt"]
    assert (receipt["extent"], receipt["kept_until"]) == ("all_but_record", preview["kept_until"])
    assert (receipt["erased"]["findings"], receipt["erased"]["spots"]) == (1, 1)
    assert list(backend.services.lesions.check_integrity()) == []
    assert "messages" not in receipt["erased"]
    (record,) = [item for item in preview["kept"] if item["what"] == "record"]
    assert (record["count"], record["until"]) == (1, preview["kept_until"])
    # The doctor in charge reads it, with the name, and nobody else does.
    shown = grey.call("GET", f"/submissions/{signed}")
    assert shown.status_code == 200
    assert shown.get_json()["record_kept_until"][:10] == preview["kept_until"][:10]
    assert grey.call("GET", f"/submissions/{signed}/photo").status_code == 200
    asked, about_none = {"colleague": colleague.email}, f"/patients/{account.id}/messages"
    for method, path, body in (
        ("PUT", f"/submissions/{signed}/second-opinion", asked),
        ("POST", f"/lesions/{shown.get_json()['lesion']}/messages", {"text": "Are you well?"}),
        ("POST", about_none, {"text": "Are you well?"}),
    ):
        refused = grey.call(method, path, json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "patient_deleted")
    assert [item["text"] for item in grey.call("GET", about_none).get_json()] == ["It itches."]
    assert grey.call("GET", f"/submissions/{other}").status_code == 404
    assert grey.call("GET", "/patients").get_json()[0]["name"] == "Ada Example"
    until = preview["kept_until"]
    (patient,) = grey.call("GET", "/patients").get_json()
    (listed,) = grey.call("GET", f"/patients/{patient['_id']}/submissions").get_json()
    told = [item["record_kept_until"] for item in (patient, listed, shown.get_json())]
    assert told == [until, until, until]
    for item in (colleague, root):
        assert item.call("GET", f"/submissions/{signed}").status_code == 404
    answer = backend.client.post("/login", json={"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 401
    kept = backend.services.data.accounts.get(account.id)
    assert (kept.email, kept.has_password, kept.consents) == (
        f"{account.id}@records.invalid",
        False,
        {},
    )
    send_all(backend)
    backend.services.store.collection("people_to_reach").delete({})
    assert ada.email not in str(backend.stored())
    for path in ("approve", "suspend"):
        root.call("PATCH", f"/users/{kept.email}/{path}", json={})
    assert backend.services.data.accounts.get(account.id).is_record
    refused = root.call("DELETE", f"/users/{kept.email}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "record_kept")


@KEEPS
@pytest.mark.parametrize("joined", [False, True], ids=["itself", "joined to another"])
def test_who_registers_anew_reads_nothing_of_the_own_kept_record(
    backend: Backend, joined: bool
) -> None:
    grey, ada, signed, _ = reviewed(backend)
    record, root = backend.account(ada.email).id, backend.member(role="admin")
    other = backend.member(role="doctor")
    leave(ada)
    finish(backend)
    assert root.call("PATCH", f"/users/{grey.email}/suspend").status_code == 200
    again = backend.member(ada.email)
    if joined:
        old, again = again, backend.member()
        assert join(root, old.email, again.email).status_code == 200
    path = f"/users/{again.email}/role"
    assert root.call("PUT", path, json={"role": "doctor"}).status_code == 200
    again = backend.log_in(again.email)

    def reads(doctor: Person) -> tuple[int, int, int, int]:
        asked = doctor.call("GET", f"/submissions/{signed}").status_code
        photo = doctor.call("GET", f"/submissions/{signed}/photo").status_code
        listed = len(doctor.pages("/queue?unassigned=true"))
        count = doctor.call("GET", "/queue/counts").get_json()["unassigned"]["spots"]
        return asked, photo, listed, count

    # A message about no spot has a row of its own.
    assert reads(other) == (200, 200, 2, 2)
    assert reads(again) == (404, 404, 0, 0)
    take = f"/patients/{record}/doctor"
    assert again.call("PUT", take).status_code == 404
    given = f"/users/{record}@records.invalid/doctor"
    refused = root.call("PUT", given, json={"doctor": again.email})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert other.call("PUT", take).status_code == 200


@KEEPS
def test_each_photo_of_a_spot_is_kept_that_a_review_covers(
    backend: Backend,
) -> None:
    talk = Talk(backend)
    mole = file_for(backend, talk.ada, Band.DOCTOR_REVIEW, lesion=talk.lesion)
    urgent = file_for(backend, talk.ada, Band.URGENT_REFERRAL, lesion=talk.lesion)
    milder = file_for(backend, talk.ada, Band.SELF_MONITORING, lesion=talk.lesion)
    elsewhere = file_for(backend, talk.ada, Band.URGENT_REFERRAL, lesion=talk.begin())
    said = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(talk.grey, mole.number, said)
    preview = talk.ada.call("GET", "/me/deletion").get_json()
    assert preview["kept_findings"] == [mole.number, urgent.number, milder.number]
    refused = talk.ada.call("DELETE", f"/submissions/{urgent.number}")
    assert refused.get_json()["code"] == "record_kept"
    leave(talk.ada)
    finish(backend)
    found = {item["id"] for item in backend.services.store.collection("submissions").find()}
    assert found == {mole.id, urgent.id, milder.id}
    assert elsewhere.id not in found
    assert talk.grey.call("GET", f"/submissions/{urgent.number}").status_code == 200


@KEEPS
@pytest.mark.parametrize("in_error", [False, True])
def test_a_signed_spot_is_kept_with_what_came_later_and_what_was_in_error(
    backend: Backend, in_error: bool
) -> None:
    talk = Talk(backend)
    mole = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion)
    said = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(talk.grey, mole.number, said)
    counts = file_for(backend, talk.ada, Band.REFERRAL, lesion=talk.lesion)
    alone = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion)
    if in_error:
        path = f"/submissions/{mole.number}/entered-in-error"
        assert talk.grey.call("POST", path, json={"reason": "Blurred."}).status_code == 200
    assert talk.ada.call("DELETE", f"/submissions/{alone.number}").status_code == 200
    refused = talk.ada.call("DELETE", f"/submissions/{mole.number}")
    assert refused.get_json()["code"] == "record_kept"
    preview = talk.ada.call("GET", "/me/deletion").get_json()
    assert preview["kept_findings"] == [mole.number, counts.number]
    leave(talk.ada)
    finish(backend)
    found = {item["id"] for item in backend.services.store.collection("submissions").find()}
    assert found == {mole.id, counts.id}
    assert len(backend.stored()["reviews"]) == 1


@KEEPS
def test_a_record_whose_time_is_over_is_erased_by_itself_with_a_receipt(backend: Backend) -> None:
    _, ada, _, _ = reviewed(backend)
    account = backend.account(ada.email).id
    leave(ada)
    finish(backend)
    store = backend.services.store
    past = now() - timedelta(days=3700)
    store.collection("reviews").update_all({}, {"$set": {"created_at": past}})
    store.collection("accounts").update(
        {"id": account}, {"$set": {"record_kept_until_at": now() - timedelta(days=1)}}
    )
    finish(backend)
    second, first = store.collection("erasure_receipts").find({"account": account}, sort="-id")
    assert (first["extent"], second["extent"]) == ("all_but_record", "record")
    assert second["erased"]["findings"] == 1
    kept = backend.stored(
        but=("audit", "erasure_receipts", "erased_ids", "outbox", "leases", "people_to_reach")
    )
    assert account not in str(kept)
    assert list(store.blobs.keys()) == []


@KEEPS
def test_a_record_that_an_admin_keeps_stays_when_its_time_is_over(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ada, _, _ = reviewed(backend)
    root, account = backend.member(role="admin"), backend.account(ada.email).id
    because = {"reason": "A law suit goes on"}
    assert root.call("PUT", f"/users/{ada.email}/keep", json=because).status_code == 200
    leave(ada)
    path = f"/users/{backend.services.data.accounts.get(account).email}/keep"
    finish(backend)
    accounts = backend.services.store.collection("accounts")
    store = backend.services.store
    store.collection("reviews").update_all({}, {"$set": {"created_at": now() - timedelta(3700)}})
    over = {"record_kept_until_at": now() - timedelta(days=1)}
    accounts.update({"id": account}, {"$set": over})
    finish(backend)
    assert backend.services.data.accounts.get(account).is_record
    assert root.call("DELETE", path).status_code == 200

    def keep_meanwhile(*_: object) -> bool:
        """After it was found to be due, and before the transaction that deletes it."""
        assert root.call("PUT", path, json=because).status_code == 200
        return False

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "is_last_admin", keep_meanwhile)
        finish(backend)
    assert backend.services.data.accounts.get(account).is_record
    assert root.call("DELETE", path).status_code == 200
    finish(backend)
    assert accounts.get(account) is None


@KEEPS
def test_a_signed_finding_cannot_be_deleted_alone_and_the_sentence_names_the_date(
    backend: Backend,
) -> None:
    _, ada, signed, other = reviewed(backend)
    refused = ada.call("DELETE", f"/submissions/{signed}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "record_kept")
    until = now().year + 10
    assert f"until {until}-" in refused.get_json()["detail"]
    assert ada.call("DELETE", f"/submissions/{other}").status_code == 200


def test_an_admin_deletes_with_a_reason_that_the_receipt_says(backend: Backend) -> None:
    root, ada = backend.member(role="admin"), backend.member()
    account = backend.account(ada.email).id
    assert root.call("DELETE", f"/users/{ada.email}?reason=second_account").status_code == 200
    finish(backend)
    (receipt,) = root.call("GET", "/erasures").get_json()
    assert (receipt["account"], receipt["reason"]) == (account, "second_account")
    assert receipt["asked_by"] == "admin"
    (row,) = [item for item in backend.audit() if item["action"] == "account.delete"]
    assert row["detail"] == "second_account"
    assert root.call("DELETE", "/users/x@example.org?reason=hate").status_code == 400


def test_a_running_job_is_awaited_before_the_receipt_is_finished(backend: Backend) -> None:
    ada = backend.member(role="researcher")
    account = backend.account(ada.email).id
    job = backend.services.jobs.submit(kind="train", owner=account, request={})
    jobs = backend.services.store.collection("jobs")
    held = {"status": "running", "lease_ends_at": now() + timedelta(seconds=30)}
    jobs.update({"id": job.id}, {"$set": held})
    code = leave(ada)["receipt"]
    finish(backend)
    assert verified(backend, code)["receipt"]["complete"] is False
    receipts = backend.services.store.collection("erasure_receipts")
    receipts.update({"code": code}, {"$set": {"awaits_until_at": now() - timedelta(seconds=1)}})
    # What its process has stored after the record of the job was gone.
    backend.services.data.outbox.add(Kind.NEWS, to=account)
    finish(backend)
    assert verified(backend, code)["receipt"]["complete"] is True
    assert notices_to(backend, account) == [Kind.ERASED]


def test_a_preview_says_which_models_may_have_learned_before_a_consent_was_withdrawn(
    backend: Backend, tmp_path: Path
) -> None:
    ada, never = backend.member(), backend.member()
    assert ada.call("PUT", "/me/consents", json={"training": True}).status_code == 200
    read = PatientPictures(pictures=40, erased_before=0)
    for version, origin in (
        ("learned-1", Origin(dataset="d1", patient_pictures=read)),
        ("public-1", Origin(dataset="d2")),
    ):
        folder = write_model(tmp_path / version, version)
        backend.services.models.add(folder=folder, by="system", origin=origin)
    assert ada.call("PUT", "/me/consents", json={"training": False}).status_code == 200
    first, second = (item.call("GET", "/me/deletion").get_json()["kept"] for item in (ada, never))
    (perhaps,) = [item for item in first if item["what"] == "model_perhaps"]
    assert perhaps["names"] == ["learned-1"]
    assert "model_perhaps" not in str(second)


def unread_and_unseen(backend: Backend) -> tuple[Person, Person]:
    """A doctor, and a patient with a melanoma that the patient has not read and an unseen one."""
    grey, ada = patient_in_care(backend)
    unread, _ = (file_for(backend, ada, Band.URGENT_REFERRAL).number for _ in range(2))
    review(grey, unread)
    return grey, ada


@pytest.mark.parametrize("given", [{}, {"record_retention": 10}], indirect=True)
@pytest.mark.parametrize("outcome", ["told", "unreachable"])
def test_who_leaves_before_being_told_is_reached_by_the_doctor_in_charge(
    backend: Backend, outcome: str
) -> None:
    grey, ada = unread_and_unseen(backend)
    account = backend.account(ada.email)
    leave(ada)
    finish(backend)
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert (person["name"], person["email"]) == (account.name, ada.email)
    told = [(item["waits_for"], item["urgency"]) for item in person["spots"]]
    assert told == [(["telling"], "urgent_referral"), (["review"], "urgent_referral")]
    assert "melanoma" not in str(person).casefold()
    assert notices_to(backend, backend.account(grey.email).id)[-1] == Kind.TO_REACH
    done = f"/people-to-reach/{person['_id']}/done"
    others = [backend.member(role="doctor"), backend.member(role="admin")]
    for other in others:
        assert other.call("GET", "/people-to-reach").get_json() == []
        assert other.call("POST", done, json={"outcome": outcome}).status_code == 404
    assert grey.call("POST", done).status_code == 400, "what has come of it is to be said"
    assert grey.call("POST", done, json={"outcome": outcome}).status_code == 200
    assert grey.call("GET", "/people-to-reach").get_json() == []
    [row] = others[1].call("GET", "/audit?action=account.reached").get_json()
    assert (row["by_email"], row["target"], row["detail"]) == (grey.email, account.id, outcome)
    if not backend.settings.record_retention:
        assert account.name not in str(backend.stored()["people_to_reach"])


def test_an_urgent_finding_of_nobodys_patient_is_told_to_who_sees_such_patients(
    backend: Backend,
) -> None:
    ada, admin = backend.member(), backend.member(role="admin")
    file_for(backend, ada, Band.URGENT_REFERRAL)
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"review": 1}
    doctor = backend.member(role="doctor")
    leave(ada)
    finish(backend)
    for reader in (doctor, admin):
        [person] = reader.call("GET", "/people-to-reach").get_json()
        assert person["email"] == ada.email
    assert notices_to(backend, backend.account(doctor.email).id) == [Kind.TO_REACH]


def test_a_patient_of_another_system_is_reached_by_the_number_there(backend: Backend) -> None:
    grey, admin = backend.member(role="doctor"), backend.admin()
    hospital = clinic_wide(backend, name="Hospital East", doctor=grey.email)
    named = {"system": "urn:oid:2.999.1", "value": "PAT-0815"}
    patient = hospital.call("POST", "/patients/external", json=named).get_json()["_id"]
    account = backend.services.data.accounts.get(patient)
    person = Person(admin.client, "", account.email)
    finding = file_for(backend, person, Band.URGENT_REFERRAL)
    path = f"/users/{account.email}"
    for number, code in ((None, "patient_number_needed"), ("PAT-0816", "other_number")):
        body = {"patient_number": {**named, "value": number}} if number else None
        refused = admin.call("DELETE", path, json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, code)
    assert admin.call("DELETE", path, json={"patient_number": named}).status_code == 200
    [told] = grey.call("GET", "/people-to-reach").get_json()
    assert (told["number"], told["sent_by"], told["email"]) == (named, "Hospital East", None)
    assert [item["number"] for item in told["spots"]] == [finding.number]
    assert "PAT-0815" not in str({**backend.stored(), "people_to_reach": None})


def test_who_has_nothing_left_to_be_told_leaves_no_address_behind(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, Band.URGENT_REFERRAL).number
    review(grey, number)
    file_for(backend, ada, Band.ROUTINE)
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {}
    leave(ada)
    finish(backend)
    assert backend.stored().get("people_to_reach", []) == []
    assert grey.call("GET", "/people-to-reach").get_json() == []
