from datetime import timedelta
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.storage.ids import now
from skinapi.privacy.erasure.receipts import WORDS
from tests.care.clinic import file_for, patient_in_care, review
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import clinic_wide
from tests.privacy.test_moving_accounts import move_all
from tests.support.backends import MAIL, PASSWORD, Backend, Person, finish_erasures
from tests.support.clock import Clock
from tests.support.reviews import signed_review
from tests.use_cases.use_case import notices_to

ASKED = {"current_password": PASSWORD}
DAY = timedelta(days=1)


@pytest.fixture
def given(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {**MAIL, "photos": "always", **getattr(request, "param", {})}


WAITS = pytest.mark.parametrize("given", [{"deletion_wait_days": 7}], indirect=True)
KEEPS = pytest.mark.parametrize("given", [{"record_retention": 10}], indirect=True)


def leave(person: Person) -> dict[str, Any]:
    body: dict[str, Any] = person.call_ok("DELETE", "/me", json=ASKED)
    return body


def verified(backend: Backend, code: str) -> dict[str, Any]:
    body: dict[str, Any] = backend.anyone.get(f"/receipts/verify/{code}").get_json()
    return body


def is_stored(backend: Backend, account: str) -> bool:
    return backend.services.store.collection("accounts").get(account) is not None


def send_all(backend: Backend) -> None:
    outbox = backend.services.data.outbox
    outbox.mark_sent([Notice.model_validate(item) for item in outbox.find_due(10)])


def test_a_receipt_counts_what_was_erased_and_names_nobody(backend: Backend) -> None:
    talk = Talk(backend)
    file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion)
    for talk.about_a_spot in (True, False):
        talk.sent(talk.ada, "It itches.")
    code = leave(talk.ada)["receipt"]
    assert verified(backend, code)["receipt"]["complete"] is False
    finish_erasures(backend)
    verdict = verified(backend, code)
    receipt = verdict["receipt"]
    assert (verdict["valid"], receipt["complete"]) == (True, True)
    erased = receipt["erased"]
    assert (erased["findings"], erased["spots"], erased["messages"]) == (1, 1, 2)
    assert receipt["asked_by"] == "person"
    assert talk.ada.email not in str(verdict)
    assert "Ada" not in str(verdict)


def test_a_printed_link_answers_in_words_whether_its_code_was_given_out(backend: Backend) -> None:
    """A browser gets words too, because the mail with the code links there."""
    code = leave(backend.member())["receipt"]

    def said(code: str, language: str) -> tuple[bool, str]:
        asked = {"Accept": "text/html", "Accept-Language": language}
        answer = backend.anyone.get(f"/receipts/verify/{code}", headers=asked)
        assert answer.status_code == 200
        body = answer.get_json()
        return body["valid"], body["message"]

    assert said(code, "en") == (True, WORDS["en"].pending)
    finish_erasures(backend)
    for language in LANGUAGES:
        words = WORDS[language]
        assert said(code, language) == (True, words.erased)
        for wrong in ("0" * 32, "x", "0" * 5000):
            assert said(wrong, language) == (False, words.unknown)


def test_the_mail_with_the_receipt_outlives_the_account_and_goes_with_its_sending(
    backend: Backend,
) -> None:
    ada = backend.member(locale="fr")
    account = backend.account(ada.email).id
    code = leave(ada)["receipt"]
    finish_erasures(backend)
    (notice,) = backend.services.store.collection("outbox").find({"account": account})
    assert (notice["kind"], notice["address"], notice["language"]) == ("closed", ada.email, "fr")
    assert notice["about"] == f"receipts/verify/{code}"
    send_all(backend)
    assert ada.email not in str(backend.stored())


@WAITS
def test_a_closed_account_is_like_a_suspended_one_until_it_is_erased(
    backend: Backend, clock: Clock
) -> None:
    grey, ada = patient_in_care(backend)
    root = backend.member(role="admin")
    ada.call_ok("PUT", "/me/consents", json={"training": True})
    number = file_for(backend, ada, Band.ROUTINE).number
    account = backend.account(ada.email)
    left = leave(ada)
    assert left["message"] == "Account will be deleted"
    closed = backend.account(ada.email)
    assert (closed.status, closed.may_teach) == ("closed", False)
    consents = backend.services.data.consents.find_latest(account.id)
    assert consents["training"].given is False
    assert ada.call("GET", "/me").status_code == 401
    answer = backend.client.post("/login", json={"email": ada.email, "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_credentials")
    (patient,) = grey.call("GET", "/patients").get_json()
    assert (patient["name"], patient["inactive"]) == (account.name, True)
    assert patient["erase_at"] == left["deletion_at"]
    assert grey.call("GET", f"/submissions/{number}").get_json()["erase_at"] == patient["erase_at"]
    refused = grey.call(
        "POST", f"/conversations/{account.id}/messages", json={"text": "Are you well?"}
    )
    assert refused.get_json()["code"] == "patient_cannot_read"
    # The admin sees it under its status alone, and clients do not.
    users = [item["email"] for item in root.call("GET", "/users").get_json()]
    assert ada.email not in users
    (listed,) = root.call("GET", "/accounts?status=closed").get_json()
    assert (listed["email"], listed["erase_at"]) == (ada.email, left["deletion_at"])
    assert root.call("DELETE", f"/users/{ada.email}").status_code == 404
    refused = root.call("PATCH", f"/users/{ada.email}/suspend")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    clock.ahead += 6 * DAY
    finish_erasures(backend)
    assert is_stored(backend, account.id)
    clock.ahead += 2 * DAY
    finish_erasures(backend)
    assert not is_stored(backend, account.id)
    assert verified(backend, left["receipt"])["receipt"]["complete"] is True


@WAITS
def test_an_admin_opens_a_closed_account_again(backend: Backend, clock: Clock) -> None:
    ada, root = backend.member(), backend.member(role="admin")
    code = leave(ada)["receipt"]
    assert verified(backend, code)["message"] == WORDS["en"].closed
    assert root.call("PATCH", f"/users/{ada.email}/approve", json={}).status_code == 200
    clock.ahead += 40 * DAY
    finish_erasures(backend)
    opened = backend.account(ada.email)
    assert (opened.status, opened.erase_at) == ("approved", None)
    assert verified(backend, code)["valid"] is False
    assert backend.log_in(ada.email).call("GET", "/me").status_code == 200


@WAITS
def test_a_closed_account_of_another_system_opens_at_its_next_order(backend: Backend) -> None:
    hospital, root = clinic_wide(backend), backend.admin()
    named = {"system": "urn:oid:2.999.1", "value": "PAT-0815"}
    patient = hospital.call("POST", "/patients/external", json=named).get_json()["_id"]
    account = backend.services.data.accounts.get(patient)
    assert root.call("DELETE", f"/users/{account.email}").status_code == 200
    assert backend.services.data.accounts.get(patient).status == "closed"
    again = hospital.call("POST", "/patients/external", json=named)
    assert again.get_json()["_id"] == patient
    assert backend.services.data.accounts.get(patient).approved


@pytest.mark.parametrize("by_admin", [False, True])
@pytest.mark.parametrize("given", [{"deletion_wait_days": 7, "photos": "consent"}], indirect=True)
def test_what_a_system_says_of_its_patients_photos_holds_once_the_account_is_open_again(
    backend: Backend, by_admin: bool
) -> None:
    hospital, root = clinic_wide(backend), backend.admin()
    named = {"system": "urn:oid:2.999.1", "value": "PAT-0815"}
    patient = hospital.call("POST", "/patients/external", json=named).get_json()["_id"]
    path = f"/users/{backend.services.data.accounts.get(patient).email}"
    root.call_ok("DELETE", path)
    if by_admin:
        root.call_ok("PATCH", f"{path}/approve", json={})
    hospital.call_ok("POST", "/patients/external", json=named)
    number = predicted(hospital, patient=patient, keep_photo="true")["id"]
    found = backend.services.data.findings.find_by_number(int(number))
    assert found
    assert found.photo_blob


@WAITS
def test_a_person_who_has_closed_the_account_is_not_let_in_again_by_another_system(
    backend: Backend,
) -> None:
    """The person's number in that system leads to this account, because spots were moved to it."""
    hospital, root, ada = clinic_wide(backend), backend.admin(), backend.member()
    named = {"system": "urn:oid:2.999.1", "value": "PAT-0815"}
    sent = hospital.call("POST", "/patients/external", json=named).get_json()["_id"]
    sent_email = backend.services.data.accounts.get(sent).email
    assert move_all(root, sent_email, ada.email).status_code == 200
    leave(ada)
    again = hospital.call("POST", "/patients/external", json=named)
    assert (again.status_code, backend.account(ada.email).status) == (409, "closed")


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("telling", Band.URGENT_REFERRAL),
        ("review", Band.URGENT_REFERRAL),
        ("review", Band.REFERRAL),
        ("result", Band.URGENT_REFERRAL),
    ],
)
def test_an_erasure_waits_30_days_for_what_is_to_be_told_reviewed_or_found(
    backend: Backend, clock: Clock, kind: str, asked: Band
) -> None:
    grey, ada = patient_in_care(backend)
    account = backend.account(ada.email).id
    number = file_for(backend, ada, asked).number
    file_for(backend, ada, Band.ROUTINE)
    if kind != "review":
        waits = {"sample": "waiting"} if kind == "result" else {}
        signed_review(grey, number, {"label": "melanoma", "certainty": "suspected", **waits})
    if kind == "result":
        assert ada.call("GET", f"/submissions/{number}").status_code == 200
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {kind: 1}
    left = leave(ada)
    assert left["message"] == "Account will be deleted"
    row, *_ = grey.call("GET", f"/waiting?kind={kind}").get_json()
    assert (row["patient_id"], row["patient_email"]) == (account, ada.email)
    clock.ahead += 29 * DAY
    finish_erasures(backend)
    assert is_stored(backend, account)
    clock.ahead += 2 * DAY
    finish_erasures(backend)
    assert not is_stored(backend, account)


def test_an_account_is_erased_once_the_patient_was_told(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    account = backend.account(ada.email).id
    review(grey, file_for(backend, ada, Band.URGENT_REFERRAL).number)
    leave(ada)
    (row,) = grey.call("GET", "/waiting?kind=telling").get_json()
    told = {"spot_version": row["spot_version"]}
    grey.call_ok("POST", f"/lesions/{row['lesion']}/told", json=told)
    finish_erasures(backend)
    assert not is_stored(backend, account)
    assert grey.call("GET", "/waiting?kind=telling").get_json() == []


def test_who_has_nothing_left_to_be_told_is_erased_at_once(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    account = backend.account(ada.email).id
    number = file_for(backend, ada, Band.URGENT_REFERRAL).number
    review(grey, number)
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    assert leave(ada)["message"] == "Account deleted"
    assert not is_stored(backend, account)


@KEEPS
def test_a_signed_record_is_kept_for_years_after_the_last_signature(
    backend: Backend, clock: Clock
) -> None:
    grey, ada = patient_in_care(backend)
    account = backend.account(ada.email).id
    numbers = [file_for(backend, ada, Band.ROUTINE).number for _ in range(2)]
    review(grey, numbers[0])
    assert ada.call("GET", f"/submissions/{numbers[0]}").status_code == 200
    until = ada.call("GET", "/me/deletion").get_json()["record_kept_until"]
    assert leave(ada)["deletion_at"] == until
    assert {grey.call("GET", f"/submissions/{it}").status_code for it in numbers} == {200}
    clock.ahead += 365 * DAY
    review(backend.log_in(grey.email), numbers[1])
    clock.ahead += 9 * 366 * DAY
    finish_erasures(backend)
    assert is_stored(backend, account), "the last signature is younger"
    clock.ahead += 365 * DAY
    finish_erasures(backend)
    assert not is_stored(backend, account)
    named = ("audit", "erasure_receipts", "erased_ids", "outbox", "leases")
    assert account not in str(backend.stored(but=named))
    assert list(backend.services.store.blobs.keys()) == []


@KEEPS
def test_a_signed_finding_cannot_be_deleted_alone_and_the_sentence_names_the_date(
    backend: Backend,
) -> None:
    grey, ada = patient_in_care(backend)
    signed, other = (file_for(backend, ada, Band.ROUTINE).number for _ in range(2))
    review(grey, signed)
    refused = ada.call("DELETE", f"/submissions/{signed}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "record_kept")
    until = now().year + 10
    assert f"until {until}-" in refused.get_json()["detail"]
    assert ada.call("DELETE", f"/submissions/{other}").status_code == 200


def test_an_account_that_an_admin_keeps_is_not_erased(backend: Backend) -> None:
    ada, root = backend.member(), backend.member(role="admin")
    account, keep = backend.account(ada.email).id, f"/users/{ada.email}/keep"
    assert root.call("PUT", keep, json={"reason": "A law suit"}).status_code == 200
    leave(ada)
    finish_erasures(backend)
    assert backend.account(ada.email).status == "closed"
    root.call_ok("PUT", keep, json={"reason": None})
    finish_erasures(backend)
    assert not is_stored(backend, account)


def test_an_admin_closes_with_a_reason_that_the_receipt_says(backend: Backend) -> None:
    root, ada = backend.member(role="admin"), backend.member()
    account = backend.account(ada.email).id
    assert root.call("DELETE", f"/users/{ada.email}?reason=second_account").status_code == 200
    finish_erasures(backend)
    (receipt,) = root.call("GET", "/erasures").get_json()
    assert (receipt["account"], receipt["reason"]) == (account, "second_account")
    assert receipt["asked_by"] == "admin"
    (row,) = [item for item in backend.audit() if item["action"] == "account.close"]
    assert row["detail"] == "second_account"
    assert root.call("DELETE", "/users/x@example.org?reason=hate").status_code == 400


def test_what_a_job_stores_of_an_erased_person_goes_before_the_receipt_is_complete(
    backend: Backend,
) -> None:
    ada = backend.member(role="researcher")
    account = backend.account(ada.email).id
    code = leave(ada)["receipt"]
    backend.services.erasure.finish_begun()
    assert not is_stored(backend, account)
    assert verified(backend, code)["receipt"]["complete"] is False
    backend.services.data.outbox.add(Kind.NEWS, to=account)
    finish_erasures(backend)
    assert verified(backend, code)["receipt"]["complete"] is True
    assert notices_to(backend, account) == [Kind.CLOSED]


@WAITS
def test_a_restored_store_gives_closed_accounts_time_to_be_opened(
    real_backend: Backend,
) -> None:
    backend = real_backend
    early, late = backend.member(), backend.member()
    for person, days in ((early, -1), (late, 400)):
        backend.edit(person.email, status="closed", erase_at=now() + days * DAY)
    account = backend.account(early.email).id
    assert backend.services.erasure.give_time() == 1
    finish_erasures(backend)
    assert is_stored(backend, account)
