"""Two accounts of one person become one: what the duplicate had is at the one that stays."""

from collections.abc import Mapping
from email.headerregistry import Address
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from skinapi.privacy.joining import ACTED, KEYED, MOVED
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.area_parts import list_parts
from skinapi.base.errors import InvalidToken
from skinapi.model.registry.inference import InferenceService
from skinapi.platform.notices.mail_texts import parting_recipient, write_mail
from skinapi.platform.storage.ids import now
from tests.care.clinic import (
    REVIEW,
    ROUTINE,
    URGENT,
    file_for,
    numbers,
    patient_in_care,
    patient_of,
)
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import clinic_wide, made
from tests.privacy.inventory import list_personal
from tests.privacy.made_files import made_for, read
from tests.support.backends import MAIL, PASSWORD, Backend, Person, erase
from tests.support.reviews import sign_review, signed_review
from tests.use_cases.use_case import acts_on

SEEN = {"label": "melanoma", "certainty": "sure", "sample": "none"}


def _collection_of(place: str) -> str:
    module, _, path = place.partition(":")
    collection: str = getattr(import_module(module), path.partition(".")[0]).collection
    return collection


# What opens the duplicate, or was made for it, goes (app/composition/subscriptions.py).
GONE = frozenset(
    (
        *("sessions", "session_keys", "password_links", "known_addresses", "person_files"),
        *("jobs", "job_logs", "failed_items"),
        *(_collection_of(place) for part in list_parts("stored") for place in part.STORED.log_ins),
    )
)
OF_FINDINGS = "names its finding or spot, which is moved, and whoever wrote it"
OF_STAFF = "of doctors, researchers and admins: a patient has none"
OF_ERASED = "of accounts that are gone"
STAYS: Mapping[str, str] = {
    "waiting": "it is made again, of the account that stays",
    "accounts": "what is left of the duplicate names the account that stays",
    "audit": "who did what, and to which of both, is not changed",
    "reviews": OF_FINDINGS,
    "second_opinions": OF_FINDINGS,
    "letters": OF_FINDINGS,
    "reports": OF_FINDINGS,
    "uploads": OF_STAFF,
    "datasets": OF_STAFF,
    "models": OF_STAFF,
    "serving": OF_STAFF,
    "pseudonym_keys": "makes the names of patients in data sets, and names none",
    "erased_ids": OF_ERASED,
    "erasure_receipts": OF_ERASED,
}


def join(by: Person, duplicate: str, into: str, **given: Any) -> TestResponse:
    body = {"into": into, "reason": "showed a passport", "current_password": PASSWORD, **given}
    return by.call("POST", f"/users/{duplicate}/join", json=body)


def get(person: Person, path: str) -> Any:
    return person.call("GET", path).get_json()


class TwoAccounts:
    """Of Ada: each with a doctor of its own, a spot, findings, messages and a key."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.root = backend, backend.member(role="admin")
        self.grey, self.old = patient_in_care(backend)
        self.grace, self.ada = patient_in_care(backend)
        self.old.call("PATCH", "/me", json={"birth_year": 1950, "sex": "female"})
        self.numbers = [number for item in (self.old, self.ada) for number in self._fill(item)]
        self.old_id, self.ada_id = (backend.account(item.email).id for item in (self.old, self.ada))

    def _fill(self, patient: Person) -> list[int]:
        patient.call("PUT", "/me/consents", json={"photos": True, "sharing": True})
        body = {"place": {"site": "back"}}
        spot = patient.call("POST", "/lesions", json=body, headers={"Idempotency-Key": "one"})
        lesion = spot.get_json()["id"]
        doctor = self.grey if patient is self.old else self.grace
        first = predicted(patient, lesion=lesion, key="one")["id"]
        second = file_for(self.backend, patient, ROUTINE).number
        account = self.backend.account(patient.email).id
        for writer in (patient, doctor):
            for about in (f"lesions/{lesion}", f"patients/{account}"):
                path, key = f"/{about}/messages", {"Idempotency-Key": about[:3]}
                writer.call_ok("POST", path, json={"text": "?"}, headers=key, status=201)
        signed_review(doctor, first, SEEN)
        made(patient)
        return [first, second]

    def join(self) -> TestResponse:
        return join(self.root, self.old.email, self.ada.email)

    def places_of(self, account: str) -> set[str]:
        """The collections that name this account."""
        stored = self.backend.stored(but=("guesses", "leases"))
        return {name for name, rows in stored.items() if any(account in repr(row) for row in rows)}


@pytest.fixture
def two(backend: Backend) -> TwoAccounts:
    return TwoAccounts(backend)


def test_all_of_the_duplicate_is_at_the_account_that_stays(two: TwoAccounts) -> None:
    backend, ada = two.backend, two.ada
    assert len({*MOVED} & two.places_of(two.old_id)) >= 5
    answer = two.join()
    assert answer.status_code == 200, answer.text
    assert two.places_of(two.old_id) == {"accounts", "audit"}
    assert sorted(numbers(ada, "/submissions")) == sorted(two.numbers)
    assert [item["findings"] for item in get(ada, "/lesions")] == [1, 1, 1, 1]
    assert (get(ada, "/me")["birth_year"], get(ada, "/me")["sex"]) == (1950, "female")
    assert sorted(numbers(two.grace, "/queue?reviewed=false")) == sorted(two.numbers[1::2])
    assert numbers(two.grey, "/queue") == get(two.grey, "/patients") == []
    assert two.grey.call("GET", f"/submissions/{two.numbers[0]}").status_code == 404
    spot = get(ada, f"/submissions/{two.numbers[0]}")["lesion"]
    for reader in (ada, two.grace):
        assert len(get(reader, f"/lesions/{spot}/messages")) == 2
        assert len(get(reader, f"/patients/{two.ada_id}/messages")) == 4
    keys = get(ada, "/keys")
    assert sorted(bool(key["revoked_at"]) for key in keys) == [False, True]
    assert two.old.call("GET", "/me").status_code == 401
    for account in (two.old_id, two.ada_id):
        assert ("account.join", "done") in acts_on(backend, account)
    # Nobody has made that one.
    assert [
        fault for fault in check_integrity(backend.services) if "an admin" not in fault.message
    ] == []
    stored = backend.stored(but=("guesses", "accounts"))
    assert two.join().status_code == 200
    assert backend.stored(but=("guesses", "accounts")) == stored


def test_each_collection_of_persons_is_moved_or_said_to_stay() -> None:
    personal = {stored.collection for stored, _ in list_personal()}
    assert MOVED.keys() | GONE | STAYS.keys() == personal, "say it in skinapi/privacy/joining"
    assert len(MOVED) + len(GONE) + len(STAYS) == len(personal)
    for stored, fields in list_personal():
        owners = {"owner", "account"} & {*fields.paths}
        assert stored.collection not in MOVED or owners <= {*MOVED[stored.collection]}
    assert {owner in (*MOVED[name], ACTED.get(name)) for name, owner in KEYED.items()} == {True}


def test_nothing_is_filed_there_any_more_and_it_is_changed_at_the_other(two: TwoAccounts) -> None:
    two.join()
    with pytest.raises(InvalidToken):
        file_for(two.backend, two.old, REVIEW)
    for method, part, body in (
        ("PATCH", "approve", {}),
        ("POST", "reset-password", None),
        ("PUT", "role", {"role": "admin"}),
        ("POST", "password-link", None),
        ("DELETE", "", None),
    ):
        refused = two.root.call(method, f"/users/{two.old.email}/{part}".rstrip("/"), json=body)
        assert refused.status_code == 409, refused.text
    (row,) = [item for item in get(two.root, "/accounts") if item["_id"] == two.old_id]
    assert (row["status"], row["joined_to"]) == ("suspended", two.ada_id)
    assert row["joined_because"] == "showed a passport"


@pytest.mark.parametrize(
    ("act", "gone", "status"),
    [
        ("facts", "joined", 200),  # the finding stays the same one, at the account that stays
        ("facts", "erased", 404),
        ("move", "joined", 409),
        ("move", "erased", 404),
    ],
)
def test_a_doctor_reads_what_became_of_the_patient_meanwhile(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch, act: str, gone: str, status: int
) -> None:
    backend = real_backend
    root, (doctor, ada) = backend.member(role="admin"), patient_in_care(backend)
    ben, stays = patient_of(backend, doctor), patient_of(backend, doctor)
    number = predicted(ada, keep_photo="true")["id"]
    changes = ada if act == "facts" else ben
    judge = InferenceService.classify_pictures

    def change_first(*arguments: Any, **options: Any) -> Any:
        if gone == "joined":
            assert join(root, changes.email, stays.email).status_code == 200
        else:
            erase(backend.services, backend.account(changes.email))
        return judge(*arguments, **options)

    monkeypatch.setattr(InferenceService, "classify_pictures", change_first)
    moved = {"reason": "of Ben", "patient": backend.account(ben.email).id}
    method, body = ("PUT", {"age": "50"}) if act == "facts" else ("POST", moved)
    answer = doctor.call(method, f"/submissions/{number}/{act}", json=body)
    code = {200: None, 404: "not_found", 409: "patient_joined"}[status]
    assert (answer.status_code, answer.get_json().get("code")) == (status, code)


@pytest.mark.parametrize("given", [MAIL])
@pytest.mark.parametrize(("rests", "loses"), [("stays", "grace"), (None, "grey"), ("gone", "grey")])
def test_an_active_doctor_is_in_charge_and_is_told_what_came(
    two: TwoAccounts, rests: str | None, loses: str
) -> None:
    doctors = {"gone": two.grey, "stays": two.grace}
    lost, won = (two.grey, two.grace) if loses == "grey" else (two.grace, two.grey)
    urgent = file_for(two.backend, two.ada if lost is two.grace else two.old, URGENT).number
    if rests:
        two.root.call("PATCH", f"/users/{doctors[rests].email}/suspend")
    assert two.join().status_code == 200
    assert urgent in numbers(won, "/queue?reviewed=false")
    assert get(two.ada, "/me")["doctor"] == won.email
    ours = two.backend.services.data.outbox.list_to(two.backend.account(won.email).id)
    assert [our.kind for our in ours if our.kind == "urgent"]


def test_an_admin_sees_both_people_before_and_says_why_with_the_password(two: TwoAccounts) -> None:
    path = f"/users/{two.old.email}/join?into={two.ada.email}"
    two.root.call("PATCH", f"/users/{two.grace.email}/suspend")
    seen = get(two.root, path)
    gone, stays = seen["gone"], seen["stays"]
    assert (gone["email"], gone["birth_year"]) == (two.old.email, 1950)
    assert (stays["email"], stays["doctor_rests"]) == (two.ada.email, True)
    assert [item["findings"] + item["spots"] for item in (gone, stays)] == [4, 4]
    assert stays["last_finding_at"] > stays["created_at"]
    grace, grey = (two.backend.account(item.email).name for item in (two.grace, two.grey))
    assert (seen["doctor"], seen["loses"], gone["doctor"]) == (grey, grace, grey)
    for given, status in (({"reason": ""}, 400), ({"current_password": "wrong"}, 403)):
        refused = join(two.root, two.old.email, two.ada.email, **given)
        assert (refused.status_code, get(two.root, path)) == (status, seen)
    itself = two.root.call("GET", f"/users/{two.old.email}/join?into={two.old.email}")
    assert itself.get_json()["code"] == "cannot_join"


@pytest.mark.parametrize("given", [MAIL])
def test_only_the_owner_of_the_log_in_that_went_is_told_which_one_stays(two: TwoAccounts) -> None:
    backend, client = two.backend, two.backend.client
    two.join()
    for password, answer in (("a wrong one", (401, None)), (PASSWORD, (403, two.ada.email))):
        credentials = {"email": two.old.email, "password": password}
        told = client.post("/login", json=credentials)
        assert (told.status_code, told.get_json().get("log_in")) == answer
    asked = client.post("/password/forgotten", json={"email": two.old.email})
    stranger = client.post("/password/forgotten", json={"email": "nobody@example.org"})
    assert (asked.status_code, asked.get_json()) == (stranger.status_code, stranger.get_json())
    backend.services.recovery.mail_links()
    *_, notice = backend.services.data.outbox.list_to(two.old_id)
    recipient = parting_recipient(notice)
    assert recipient
    assert recipient.email == two.old.email
    mail = write_mail(
        [notice], recipient, sender=Address(addr_spec="a@b.example"), console="", link_to=str
    )
    assert two.ada.email in mail.get_content()


def test_what_either_has_refused_is_refused(backend: Backend) -> None:
    root, (_, ada), old = backend.member(role="admin"), patient_in_care(backend), backend.member()
    ada.call("PUT", "/me/consents", json={"photos": True, "training": False, "sharing": True})
    old.call("PUT", "/me/consents", json={"photos": False, "training": True, "llm": True})
    assert join(root, old.email, ada.email).status_code == 200
    joined = {"photos": False, "training": False, "llm": True, "sharing": True}
    assert backend.account(ada.email).consents == joined
    history = backend.services.data.consents.history_of(backend.account(ada.email).id)
    assert sum(change.way == "joining" for change in history) == 2


@pytest.mark.parametrize("refuses", ["duplicate", "stays"])
def test_a_colleague_who_is_asked_of_one_sees_nothing_where_the_other_has_refused(
    shared_backend: Backend, refuses: str
) -> None:
    backend = shared_backend
    root, (doctor, ada) = backend.member(role="admin"), patient_in_care(backend)
    old, colleague = backend.member(), backend.member(role="doctor")
    stays, gone = (ada, old) if refuses == "duplicate" else (old, ada)
    path = f"/submissions/{file_for(backend, ada, ROUTINE).number}"
    doctor.call_ok("PUT", f"{path}/second-opinion", json={"colleague": colleague.email})
    old.call("PUT", "/me/consents", json={"sharing": False})
    assert join(root, gone.email, stays.email).status_code == 200
    assert backend.account(stays.email).consents == {"sharing": False}
    assert colleague.call("GET", f"{path}/case").status_code == 404
    assert get(doctor, f"{path}/case")["opinion"] is None


def test_a_program_that_keeps_the_former_id_lists_the_account_that_stays(
    shared_backend: Backend,
) -> None:
    root, (_, ada) = shared_backend.member(role="admin"), patient_in_care(shared_backend)
    old, program = shared_backend.member(), clinic_wide(shared_backend)
    number = file_for(shared_backend, ada, ROUTINE).number
    former = shared_backend.account(old.email).id
    assert join(root, old.email, ada.email).status_code == 200
    assert [item["id"] for item in get(program, f"/patients/{former}/submissions")] == [number]
    assert len(get(program, f"/patients/{former}/lesions")) == 1


@pytest.mark.parametrize(
    ("duplicate", "stays", "says"),
    [
        ({}, None, "with itself"),
        ({"role": "doctor"}, {}, "accounts of patients"),
        ({}, {"role": "researcher"}, "accounts of patients"),
        ({}, {"status": "waiting"}, "Approve"),
        ({"status": "closed", "erase_at": now()}, {}, "closed"),
        ({"joined_to": "0" * 32}, {}, "already"),
        ({}, {"external": "a hash", "password_hash": ""}, "other way round"),
    ],
)
def test_it_says_why_it_joins_them_not(
    backend: Backend, duplicate: Any, stays: Any, says: str
) -> None:
    root, old = backend.member(role="admin"), backend.member()
    ada = backend.member() if stays is not None else old
    for person, fields in ((old, duplicate), (ada, stays)):
        if fields:
            backend.edit(person.email, **fields)
    refused = join(root, old.email, ada.email)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cannot_join")
    assert says in refused.get_json()["detail"]


@pytest.mark.parametrize("given", [MAIL])
def test_no_mail_says_of_the_account_that_stays_that_it_was_refused(backend: Backend) -> None:
    root, ada = backend.member(role="admin"), backend.member()
    old = backend.member(status="waiting")
    duplicate = backend.account(old.email).id
    body = {"accounts": [duplicate], "reason": "second_account"}
    assert root.call("POST", "/accounts/refusals", json=body).status_code == 200
    outbox = backend.services.store.collection("outbox")
    assert outbox.count({"kind": "refused"}) == 1
    assert join(root, old.email, ada.email).status_code == 200
    assert outbox.count({"kind": "refused"}) == 0
    assert outbox.count({"kind": "accounts_joined"})


def test_who_leaves_leaves_with_both_and_reads_of_both(two: TwoAccounts, tmp_path: Path) -> None:
    backend = two.backend
    two.join()
    third = backend.member()
    assert join(two.root, two.ada.email, third.email).status_code == 200
    account = backend.account(third.email)
    assert account.joined == (two.ada_id, two.old_id)
    rows = read(made_for(backend, third, tmp_path / "file"))["audit"]
    assert sum(row["action"] == "account.join" for row in rows) == 4  # twice two rows
    erase(backend.services, account)
    accounts = backend.stored()["accounts"]
    assert not {two.old_id, two.ada_id, account.id} & {item["id"] for item in accounts}
    for item in (two.old_id, two.ada_id):
        assert backend.services.data.erased_ids.find(item)


def give_role(backend: Backend, person: Person, role: str) -> Person:
    """The person by a new log-in, once an admin has given this role."""
    path = f"/users/{person.email}/role"
    backend.admin().call_ok("PUT", path, json={"role": role})
    return backend.log_in(person.email)


def test_what_was_written_to_a_former_doctor_waits_after_that_account_was_joined(
    backend: Backend,
) -> None:
    talk, other = Talk(backend), backend.member(role="doctor")
    number = predicted(talk.ada, lesion=talk.lesion)["id"]
    talk.sent(talk.ada, "It bleeds and grows.")
    root, stays = backend.member(role="admin"), backend.member()
    give_role(backend, talk.grey, "user")
    asked, path = [(number, ["review", "answer"])], "/queue?unassigned=true"
    assert [(item["id"], item["waits_for"]) for item in other.pages(path)] == asked
    assert join(root, talk.grey.email, stays.email).status_code == 200
    assert [(item["id"], item["waits_for"]) for item in other.pages(path)] == asked
    assert other.call("PUT", f"/patients/{talk.patient}/doctor").status_code == 200
    assert talk.waits(other) == [1]


def test_who_was_asked_about_a_patient_and_is_the_same_person_is_asked_no_more(
    backend: Backend,
) -> None:
    grey, ada = patient_in_care(backend)
    root, asked = backend.member(role="admin"), backend.member(role="doctor")
    number = file_for(backend, ada, ROUTINE).number
    opinion, body = f"/submissions/{number}/second-opinion", {"colleague": asked.email}
    assert grey.call("PUT", opinion, json=body).status_code == 200
    give_role(backend, asked, "user")
    assert join(root, ada.email, asked.email).status_code == 200
    asked = give_role(backend, asked, "doctor")
    assert get(asked, "/queue") == []
    path = f"/submissions/{number}"
    assert asked.call("GET", f"{path}/case").status_code == 403
    given = asked.call("POST", f"{path}/opinion", json={"comment": "Harmless."})
    assert given.status_code == 403
    assert sign_review(asked, number, SEEN).status_code == 403


def test_a_doctors_message_stays_the_doctors_once_both_are_one_account(backend: Backend) -> None:
    talk, root = Talk(backend, about_a_spot=False), backend.member(role="admin")
    talk.sent(talk.grey, "Come today.")
    give_role(backend, talk.grey, "user")
    assert join(root, talk.ada.email, talk.grey.email).status_code == 200
    own = backend.account(talk.grey.email).id
    grey = backend.log_in(talk.grey.email)
    [message] = get(grey, f"/patients/{own}/messages")
    assert (message["by"], message["waits"]) == ("doctor", False)
