from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.area_parts import list_parts
from skinapi.model.registry.inference import InferenceService
from skinapi.platform.storage.ids import now
from skinapi.privacy.moving_accounts import ACTED, KEYED, MOVED
from tests.care.clinic import (
    ROUTINE,
    URGENT,
    file_for,
    numbers,
    patient_in_care,
    patient_of,
)
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted, send
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


WAITS = pytest.mark.parametrize("given", [{"deletion_wait_days": 28}])
ENDS = "ends when the account is closed"
WITH_ACCOUNT = "of the log-in or the closed account, and erased with it"
OF_FINDINGS = "names its finding or spot, which is moved, and whoever wrote it"
OF_STAFF = "of doctors, researchers and admins: a patient has none"
OF_ERASED = "of accounts that are gone"
STAYS: Mapping[str, str] = {
    **dict.fromkeys(("sessions", "session_keys", "password_links", "person_files"), ENDS),
    **dict.fromkeys(("keys", "jobs", "job_logs", "failed_items", "known_addresses"), WITH_ACCOUNT),
    **{_collection_of(place): ENDS for it in list_parts("stored") for place in it.STORED.log_ins},
    "waiting": "it is stored anew, of the account that receives the spots",
    "accounts": "the emptied account is an ordinary closed one",
    "moved_accounts": "says where the spots of an emptied account are",
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


def move_all(by: Person, emptied: str, into: str, **given: Any) -> TestResponse:
    body = {"into": into, "current_password": PASSWORD, **given}
    return by.call("POST", f"/users/{emptied}/move", json=body)


def get(person: Person, path: str) -> Any:
    return person.call("GET", path).get_json()


class TwoAccounts:
    def __init__(self, backend: Backend) -> None:
        self.backend, self.root = backend, backend.member(role="admin")
        self.grey, self.old = patient_in_care(backend)
        self.grace, self.ada = patient_in_care(backend)
        self.old.call(
            "PATCH", "/me", json={"birth_year": 1950, "sex": "female", "phone": "+49 30 1234"}
        )
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
            for name, about in (("spot", lesion), ("none", account)):
                path, key = f"/conversations/{about}/messages", {"Idempotency-Key": name}
                writer.call_ok("POST", path, json={"text": "?"}, headers=key, status=201)
        signed_review(doctor, first, SEEN)
        made(patient)
        return [first, second]

    def move(self) -> TestResponse:
        return move_all(self.root, self.old.email, self.ada.email)

    def places_of(self, account: str) -> set[str]:
        stored = self.backend.stored(but=("guesses", "leases"))
        return {name for name, rows in stored.items() if any(account in repr(row) for row in rows)}


@pytest.fixture
def two(backend: Backend) -> TwoAccounts:
    return TwoAccounts(backend)


@WAITS
def test_the_other_account_has_everything_and_the_emptied_one_is_closed(
    real_backend: Backend,
) -> None:
    backend, two = real_backend, TwoAccounts(real_backend)
    ada = two.ada
    moved = {"submissions", "lesions", "messages", "consents", "waiting"}
    assert moved <= two.places_of(two.old_id)
    answer = two.move()
    assert answer.status_code == 200, answer.text
    left = {"accounts", "audit", "consents", "erasure_receipts", "keys", "moved_accounts"}
    assert two.places_of(two.old_id) == left
    old = backend.account(two.old.email)
    assert (old.status, old.doctor_id) == ("closed", None)
    assert old.erase_at
    assert sorted(numbers(ada, "/submissions")) == sorted(two.numbers)
    assert [item["findings"] for item in get(ada, "/lesions")] == [1, 1, 1, 1]
    person = {name: get(ada, "/me")[name] for name in ("birth_year", "sex", "phone")}
    assert person == {"birth_year": 1950, "sex": "female", "phone": "+49 30 1234"}
    assert sorted(numbers(two.grace, "/queue?reviewed=false")) == sorted(two.numbers[1::2])
    assert numbers(two.grey, "/queue") == get(two.grey, "/patients") == []
    assert two.grey.call("GET", f"/submissions/{two.numbers[0]}").status_code == 404
    spot = get(ada, f"/submissions/{two.numbers[0]}")["lesion"]
    for reader in (ada, two.grace):
        assert len(get(reader, f"/conversations/{spot}/messages")) == 2
        assert len(get(reader, f"/conversations/{two.ada_id}/messages")) == 4
    assert two.old.call("GET", "/me").status_code == 401
    assert ("account.move_spots", "done") in acts_on(backend, two.ada_id)
    assert ("account.close", "done") in acts_on(backend, two.old_id)
    # Nobody has made that one.
    assert [
        fault for fault in check_integrity(backend.services) if "an admin" not in fault.message
    ] == []
    stored = backend.stored(but=("guesses", "accounts"))
    assert two.move().status_code == 200
    assert backend.stored(but=("guesses", "accounts")) == stored


def test_each_collection_of_persons_is_moved_or_said_to_stay() -> None:
    personal = {stored.collection for stored, _ in list_personal()}
    assert MOVED.keys() | STAYS.keys() == personal, "say it in skinapi/privacy/moving_accounts"
    assert len(MOVED) + len(STAYS) == len(personal)
    for stored, fields in list_personal():
        owners = {"owner", "account"} & {*fields.paths}
        owners -= {"account"} if stored.collection == "outbox" else set()  # some kinds of mail move
        assert stored.collection not in MOVED or owners <= {*MOVED[stored.collection]}
    assert {owner in (*MOVED[name], ACTED.get(name)) for name, owner in KEYED.items()} == {True}


@pytest.mark.parametrize("given", [{"deletion_wait_days": 28, "record_retention": 10}])
def test_closing_erases_nothing_that_was_moved(two: TwoAccounts) -> None:
    backend = two.backend
    two.root.call_ok("PUT", f"/users/{two.old.email}/keep", json={"reason": "a complaint"})
    two.move()
    old, ada = (backend.account(item.email) for item in (two.old, two.ada))
    assert (old.keep, ada.keep) == (None, "a complaint")
    assert old.erase_at
    assert old.erase_at < now() + timedelta(days=365)
    before = backend.stored(but=("guesses", "accounts", "audit", "erasure_receipts", "consents"))
    erase(backend.services, old)
    assert two.places_of(two.old_id) == {
        "audit",
        "erased_ids",
        "erasure_receipts",
        "moved_accounts",
    }
    after = backend.stored(but=("guesses", "accounts", "audit", "erasure_receipts", "consents"))
    for name in ("submissions", "lesions", "reviews", "messages", "waiting", "letters"):
        assert after.get(name) == before.get(name), name
    assert sorted(numbers(two.ada, "/submissions")) == sorted(two.numbers)


@pytest.mark.parametrize(
    ("collection", "field"), [("submissions", "level"), ("lesions", "version")]
)
def test_a_spot_with_a_record_that_cannot_be_read_is_moved(
    two: TwoAccounts, collection: str, field: str
) -> None:
    rows = two.backend.services.store.collection(collection)
    [damaged, *_] = rows.find({"owner": two.old_id})
    rows.update({"id": damaged["id"]}, {"$set": {field: "nonsense"}})
    assert two.move().status_code == 200
    queued = [item for item in two.grace.pages("/queue") if item.get("finding", 0) is None]
    assert [item["urgency"] for item in queued] == ["urgent_referral"]
    rows.update({"id": damaged["id"]}, {"$set": {field: damaged[field]}})
    spots = two.backend.services.store.collection("lesions")
    assert [spot["findings"] for spot in spots.find({"owner": two.ada_id})] == [1, 1, 1, 1]


@pytest.mark.parametrize("given", [{"retain_accounts_days": 400}])
def test_the_other_account_counts_as_used(backend: Backend) -> None:
    root, old, ada = backend.member(role="admin"), backend.member(), backend.member()
    backend.edit(ada.email, seen_at=now() - timedelta(days=399))
    assert move_all(root, old.email, ada.email).status_code == 200
    assert (backend.account(ada.email).seen_at or now()) > now() - timedelta(days=2)


def test_what_is_to_be_told_is_overdue_if_nobody_can_read_in_the_other_account(
    two: TwoAccounts,
) -> None:
    path = "/waiting?kind=telling&overdue=true"
    assert two.grey.pages(path) == []
    two.backend.edit(two.ada.email, status="suspended")
    assert two.move().status_code == 200
    assert [row["finding"]["id"] for row in two.grace.pages(path)] == two.numbers[:1]


@WAITS
def test_an_emptied_account_is_opened_again_like_any_closed_one(two: TwoAccounts) -> None:
    two.move()
    two.root.call_ok("PATCH", f"/users/{two.old.email}/approve", json={})
    old = two.backend.log_in(two.old.email)
    assert get(old, "/submissions") == []
    number = predicted(old)["id"]
    assert number not in numbers(two.ada, "/submissions")
    back = move_all(two.root, two.ada.email, two.old.email)
    assert back.status_code == 200
    assert sorted(numbers(old, "/submissions")) == sorted([*two.numbers, number])
    moved = two.backend.services.data.moved_accounts.walk_all()
    assert [(item.id, item.account) for item in moved] == [(two.ada_id, two.old_id)]


@WAITS
@pytest.mark.parametrize(
    ("act", "gone", "status"),
    [
        ("facts", "moved", 200),  # the finding stays the same one, in the other account
        ("facts", "erased", 404),
        ("move", "moved", 409),
        ("predict", "moved", 409),
        ("predict", "erased", 404),
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
    changes = ben if act == "move" else ada
    judge = InferenceService.classify_pictures

    def change_first(*arguments: Any, **options: Any) -> Any:
        if gone == "moved":
            assert move_all(root, changes.email, stays.email).status_code == 200
        else:
            erase(backend.services, backend.account(changes.email))
        return judge(*arguments, **options)

    monkeypatch.setattr(InferenceService, "classify_pictures", change_first)
    if act == "predict":
        answer = send(clinic_wide(backend), patient=backend.account(ada.email).id)
    else:
        moved = {"reason": "of Ben", "patient": backend.account(ben.email).id}
        method, body = ("PUT", {"age": "50"}) if act == "facts" else ("POST", moved)
        answer = doctor.call(method, f"/submissions/{number}/{act}", json=body)
    code = {200: None, 404: "not_found", 409: "changed_meanwhile"}[status]
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
    assert two.move().status_code == 200
    assert urgent in numbers(won, "/queue?reviewed=false")
    assert get(two.ada, "/me")["doctor"] == won.email
    ours = two.backend.services.data.outbox.list_to(two.backend.account(won.email).id)
    assert [our.kind for our in ours if our.kind == "urgent"]


def test_an_admin_sees_both_accounts_before_and_gives_the_password(two: TwoAccounts) -> None:
    path = f"/users/{two.old.email}/move?into={two.ada.email}"
    two.root.call("PATCH", f"/users/{two.grace.email}/suspend")
    seen = get(two.root, path)
    emptied, into = seen["emptied"], seen["into"]
    assert (emptied["email"], emptied["birth_year"]) == (two.old.email, 1950)
    assert (into["email"], into["status"], into["doctor"]) == (two.ada.email, "approved", None)
    assert [item["findings"] + item["spots"] for item in (emptied, into)] == [4, 4]
    assert emptied["doctor"] == two.backend.account(two.grey.email).name
    refused = move_all(two.root, two.old.email, two.ada.email, current_password="wrong")
    assert (refused.status_code, get(two.root, path)) == (403, seen)


@pytest.mark.parametrize("given", [{"deletion_wait_days": 28, **MAIL}])
def test_the_owner_of_the_emptied_account_reads_what_any_closed_one_reads(two: TwoAccounts) -> None:
    backend = two.backend
    two.move()
    answer = backend.client.post("/login", json={"email": two.old.email, "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_credentials")
    kinds = [notice.kind for notice in backend.services.data.outbox.list_to(two.old_id)]
    assert "closed" in kinds
    assert not {"news", "message"} & {*kinds}


def test_what_either_has_refused_is_refused(backend: Backend) -> None:
    root, (_, ada), old = backend.member(role="admin"), patient_in_care(backend), backend.member()
    ada.call("PUT", "/me/consents", json={"photos": True, "training": False, "sharing": True})
    old.call("PUT", "/me/consents", json={"photos": False, "training": True, "llm": True})
    assert move_all(root, old.email, ada.email).status_code == 200
    merged = {"photos": False, "training": False, "llm": True, "sharing": True}
    assert backend.account(ada.email).consents == merged
    latest = backend.services.data.consents.find_latest(backend.account(ada.email).id)
    assert {name: change.given for name, change in latest.items()} == merged


@pytest.mark.parametrize("refuses", ["emptied", "other"])
def test_a_colleague_who_is_asked_of_one_sees_nothing_where_the_other_has_refused(
    shared_backend: Backend, refuses: str
) -> None:
    backend = shared_backend
    root, (doctor, ada) = backend.member(role="admin"), patient_in_care(backend)
    old, colleague = backend.member(), backend.member(role="doctor")
    stays, gone = (ada, old) if refuses == "emptied" else (old, ada)
    path = f"/submissions/{file_for(backend, ada, ROUTINE).number}"
    doctor.call_ok("PUT", f"{path}/second-opinion", json={"colleague": colleague.email})
    old.call("PUT", "/me/consents", json={"sharing": False})
    assert move_all(root, gone.email, stays.email).status_code == 200
    assert backend.account(stays.email).consents == {"sharing": False}
    assert colleague.call("GET", f"{path}/case").status_code == 404
    assert get(doctor, f"{path}/case")["opinion"] is None


def test_a_program_finds_the_other_account_by_the_former_id(
    shared_backend: Backend,
) -> None:
    root, (_, ada) = shared_backend.member(role="admin"), patient_in_care(shared_backend)
    old, program = shared_backend.member(), clinic_wide(shared_backend)
    number = file_for(shared_backend, ada, ROUTINE).number
    former = shared_backend.account(old.email).id
    assert move_all(root, old.email, ada.email).status_code == 200
    assert [item["id"] for item in get(program, f"/patients/{former}/submissions")] == [number]
    assert len(get(program, f"/patients/{former}/lesions")) == 1


@pytest.mark.parametrize(
    ("emptied", "into"),
    [
        ({}, None),
        ({"role": "doctor"}, {}),
        ({}, {"role": "researcher"}),
        ({"machine": True}, {}),
        ({"status": "closed", "erase_at": now()}, {}),
        ({}, {"status": "closed", "erase_at": now()}),
        ({}, {"status": "waiting"}),  # it expires if nobody approves it
        ({}, {"status": "refused"}),
    ],
)
def test_only_open_accounts_of_two_patients_are_moved(
    backend: Backend, emptied: Any, into: Any
) -> None:
    root, old = backend.member(role="admin"), backend.member()
    ada = backend.member() if into is not None else old
    for person, fields in ((old, emptied), (ada, into)):
        if fields:
            backend.edit(person.email, **fields)
    refused = move_all(root, old.email, ada.email)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cannot_move")
    preview = root.call("GET", f"/users/{old.email}/move?into={ada.email}")
    assert preview.get_json()["code"] == "cannot_move"


def test_the_file_and_the_erasure_are_of_both_accounts(two: TwoAccounts, tmp_path: Path) -> None:
    backend = two.backend
    two.move()
    third = backend.member()
    assert move_all(two.root, two.ada.email, third.email).status_code == 200
    rows = read(made_for(backend, third, tmp_path / "file"))["audit"]
    assert sum(row["action"] == "account.move_spots" for row in rows) == 2
    erase(backend.services, backend.account(third.email))
    for item in (two.old_id, two.ada_id):
        assert backend.services.data.erased_ids.get(item).findings == 4
    assert backend.services.store.collection("moved_accounts").count() == 0


@WAITS
@pytest.mark.parametrize("stays", ["", "kept", "used again"])
def test_an_emptied_account_is_erased_with_the_other_one_unless_it_is_kept_or_used(
    two: TwoAccounts, stays: str
) -> None:
    """Else a restore of an older backup would bring back what was moved from it, or would erase
    what it has since.
    """
    services, doctor = two.backend.services, two.grey.email
    two.move()
    if stays == "used again":
        two.root.call_ok("PATCH", f"/users/{two.old.email}/approve", json={"doctor": doctor})
        predicted(two.backend.log_in(two.old.email))
    elif stays:
        two.root.call_ok("PUT", f"/users/{two.old.email}/keep", json={"reason": "a lawsuit"})
    erase(services, two.backend.account(two.ada.email))
    assert (services.data.accounts.find_by_id(two.old_id) is not None) is bool(stays)
    assert services.data.erased_ids.has(two.old_id) is not bool(stays)


def give_role(backend: Backend, person: Person, role: str) -> Person:
    path = f"/users/{person.email}/role"
    backend.admin().call_ok("PUT", path, json={"role": role})
    return backend.log_in(person.email)


def test_a_message_to_a_former_doctor_waits_after_that_account_was_emptied(
    backend: Backend,
) -> None:
    talk, other = Talk(backend), backend.member(role="doctor")
    number = predicted(talk.ada, lesion=talk.lesion)["id"]
    talk.sent(talk.ada, "It bleeds and grows.")
    root, stays = backend.member(role="admin"), backend.member()
    give_role(backend, talk.grey, "user")
    asked, path = [(number, ["review", "answer"])], "/queue?unassigned=true"
    assert [(item["id"], item["waits_for"]) for item in other.pages(path)] == asked
    assert move_all(root, talk.grey.email, stays.email).status_code == 200
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
    assert move_all(root, ada.email, asked.email).status_code == 200
    asked = give_role(backend, asked, "doctor")
    assert get(asked, "/queue") == []
    path = f"/submissions/{number}"
    assert asked.call("GET", f"{path}/case").status_code == 403
    given = asked.call("POST", f"{path}/opinion", json={"comment": "Harmless."})
    assert given.status_code == 403
    assert sign_review(asked, number, SEEN).status_code == 403


def test_a_doctors_message_stays_the_doctors_after_the_move(
    backend: Backend,
) -> None:
    talk, root = Talk(backend, about_a_spot=False), backend.member(role="admin")
    talk.sent(talk.grey, "Come today.")
    give_role(backend, talk.grey, "user")
    assert move_all(root, talk.ada.email, talk.grey.email).status_code == 200
    own = backend.account(talk.grey.email).id
    grey = backend.log_in(talk.grey.email)
    [message] = get(grey, f"/conversations/{own}/messages")
    assert (message["by"], message["waits"]) == ("doctor", False)
