from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import product
from threading import Event
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.findings.records.spots import Spots
from skinapi.findings.records.waiting_spots import WaitingSpots
from skinapi.findings.status.spot_view import SpotView
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.care.clinic import URGENT, numbers, patient_of
from tests.findings.prediction.photographer import predicted, send
from tests.privacy.test_moving_accounts import move_all
from tests.served.wire import at_once
from tests.support.backends import Backend, Person, erase
from tests.support.photos import photo_of
from tests.support.reviews import sign_review, spot_version_of
from tests.support.size import size
from tests.use_cases.use_case import acts_on

ROUNDS = size(2, 20)
Call = Callable[[], TestResponse]


class Ward:
    """A doctor's patient with findings, and everybody else who changes them."""

    def __init__(self, backend: Backend, findings: int) -> None:
        self.backend = backend
        self.doctor, self.other = (backend.member(role="doctor") for _ in range(2))
        self.admin = backend.member(role="admin")
        self.ada = patient_of(backend, self.doctor)
        self.shown = dict[str, dict[str, Any]]()  # drafts as the doctor sees them
        self.numbers = [predicted(self.ada, keep_photo="true")["id"] for _ in range(findings)]

    def file(self, **options: Any) -> TestResponse:
        return send(self.ada, keep_photo="true", **options)

    def file_mole(self) -> int:
        mole = photo_of("melanocytic_nevus")
        number: int = predicted(self.ada, mole, keep_photo="true")["id"]
        return number

    def review(self, number: int, label: str | None, **said: Any) -> TestResponse:
        body = {"label": label, **(said or {"certainty": "sure"})}
        return sign_review(self.doctor, number, body)

    def reviewing(self, number: int, label: str) -> Call:
        seen = spot_version_of(self.doctor, number)
        return partial(self.review, number, label, certainty="sure", spot_version=seen)

    def draft(self, number: int) -> str:
        body = {"reader": "patient"}
        draft = self.doctor.call("POST", f"/submissions/{number}/letters", json=body).get_json()
        self.shown[draft["_id"]] = {name: draft[name] for name in ("text", "version")}
        return str(draft["_id"])

    def sign(self, letter: str) -> TestResponse:
        return self.doctor.call("POST", f"/letters/{letter}/sign", json=self.shown[letter])

    def withdraw(self, letter: str) -> TestResponse:
        body = {"reason": "It was wrong."}
        return self.doctor.call("POST", f"/letters/{letter}/withdrawal", json=body)

    def delete(self, number: int) -> TestResponse:
        return self.ada.call("DELETE", f"/submissions/{number}")

    def enter_in_error(self, number: int) -> TestResponse:
        body = {"reason": "The photo is of somebody else."}
        return self.doctor.call("POST", f"/submissions/{number}/entered-in-error", json=body)

    def move_to_new_spot(self, number: int) -> TestResponse:
        return self.ada.call("PUT", f"/submissions/{number}/lesion", json={"lesion": None})

    def correct(self, number: int, age: str = "75+") -> TestResponse:
        body = {"age_band": age, "checklist": ["change_in_size", "oozing"], "version": 1}
        return self.doctor.call("PUT", f"/submissions/{number}/facts", json=body)

    def erase_photos(self) -> TestResponse:
        body = {"photos": False, "erase_kept": True}
        return self.ada.call("PUT", "/me/consents", json=body)

    def move_all_to(self, other: Person) -> TestResponse:
        return move_all(self.admin, self.ada.email, other.email)

    def ask(self, number: int) -> TestResponse:
        body = {"colleague": self.other.email}
        return self.doctor.call("PUT", f"/submissions/{number}/second-opinion", json=body)

    def assign(self, doctor: Person | None) -> TestResponse:
        path, to = f"/users/{self.ada.email}/doctor", doctor.email if doctor else None
        return self.admin.call("PUT", path, json={"doctor": to})

    def erase(self) -> TestResponse:
        return self.admin.call("DELETE", f"/users/{self.ada.email}")

    def erase_at_once(self) -> TestResponse:
        """Erase without waiting for pending notifications to the patient."""
        erase(self.backend.services, self.backend.account(self.ada.email))
        return self.ada.call("GET", "/me")

    def report(self, number: int) -> TestResponse:
        return self.ada.call("GET", f"/submissions/{number}/report.pdf")

    def thumbnail(self, number: int) -> TestResponse:
        return self.ada.call("GET", f"/submissions/{number}/thumbnail")

    def stored(self, collection: str) -> list[Any]:
        return self.backend.services.store.collection(collection).find()

    def is_whole(self) -> bool:
        services = self.backend.services
        searches = (services.findings, services.reviews)
        assert [fault.message for search in searches for fault in search.check_integrity()] == []
        assert [*services.data.issued.check_integrity(services.findings.records.has)] == []
        names = ("photo_blob", "thumbnail_blob", "pdf_blob")
        rows = [*self.stored("submissions"), *self.stored("reports")]
        named = {row[name] for row in rows for name in names if name in row}
        assert named == set(services.store.blobs.keys())
        return True


@pytest.fixture
def backend(real_backend: Backend) -> Backend:
    return real_backend


def statuses(*calls: Call) -> list[int]:
    return [answer.status_code for answer in at_once(calls)]


def rounds(backend: Backend, findings: int) -> Iterator[Ward]:
    for _ in range(ROUNDS):
        ward = Ward(backend, findings)
        yield ward
        assert ward.is_whole()


def test_what_is_filed_while_the_doctor_changes_waits_for_the_new_one(backend: Backend) -> None:
    for ward in rounds(backend, findings=1):
        told = statuses(ward.file, ward.file, partial(ward.assign, ward.other))
        assert told == [200, 200, 200]
        assert numbers(ward.doctor, "/queue") == []
        assert len(numbers(ward.other, "/queue")) == 3
        assert [item["waiting_band"] for item in ward.other.pages("/patients")] == [URGENT]


@pytest.mark.parametrize("change", ["another doctor", "the doctor is erased"])
def test_a_spot_that_waits_anew_while_the_doctor_changes_is_in_a_list(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The doctor changes between the reading of the owner and the storing of the rows."""
    ward = Ward(backend, findings=1)
    ward.review(ward.numbers[0], None, urgency="routine", confirm_milder=True)
    ward.ada.call_ok("GET", f"/submissions/{ward.numbers[0]}")
    assert ward.stored("waiting") == []
    replace, threads = WaitingSpots.replace, ThreadPoolExecutor(1)
    changing: list[Future[object]] = []

    def change_doctor() -> None:
        if change == "another doctor":
            assert ward.assign(ward.other).status_code == 200
        else:
            erase(backend.services, backend.account(ward.doctor.email))

    def replacing(*arguments: Any) -> None:
        if not changing:
            changing.append(threads.submit(change_doctor))
            wait(changing, timeout=0.5)  # on SQLite it waits for the end of the review
        replace(*arguments)

    monkeypatch.setattr(WaitingSpots, "replace", replacing)
    ward.review(ward.numbers[0], None, urgency="routine", photo_wanted=True)
    changing[0].result()
    listed = "/queue?unassigned=true" if change != "another doctor" else "/waiting?kind=photo"
    assert len(ward.other.pages(listed)) == 1
    assert ward.is_whole()


def test_what_is_filed_while_its_account_is_deleted_is_deleted_too(backend: Backend) -> None:
    for ward in rounds(backend, findings=1):
        filed, erased = statuses(ward.file, ward.erase_at_once)
        assert (filed in (200, 401), erased) == (True, 401)
        assert ward.stored("submissions") == []


PAIRS = [
    ("review 1", "review 2"),
    ("review 2", "review 1"),
    ("review 1", "review 1 again"),
    ("review 1", "delete 1"),
    ("delete 1", "review 1"),
    ("delete 1", "review 2"),
    ("review 2", "delete 1"),
    ("delete 1", "delete 1"),
    ("file", "review 1"),
    ("review 1", "file"),
    ("file", "delete 1"),
    ("delete 1", "file"),
    ("report 1", "delete 1"),
    ("delete 1", "report 1"),
    ("thumbnail 1", "delete 1"),
    ("sign 1", "delete 1"),
    ("delete 1", "sign 1"),
    ("withdraw 1", "delete 1"),
    ("withdraw 1", "withdraw 1"),
    ("delete 1", "withdraw 1"),
    ("withdraw 1", "assign"),
    ("sign 1", "assign"),
    ("assign", "sign 1"),
    ("review 1", "assign"),
    ("assign", "review 1"),
    ("file", "assign"),
    ("assign", "file"),
]


def overlapped(first: Call, second: Call) -> tuple[int, int]:
    """`first` stops before it commits, until `second` has ended or seems to wait for it."""
    add, stopped, ended = AuditTrail.add, Event(), Event()

    def stop_once(trail: AuditTrail, *rows: AuditRow) -> None:
        if not stopped.is_set():
            stopped.set()
            ended.wait(0.15)
        add(trail, *rows)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(AuditTrail, "add", stop_once)
        one = pool.submit(first)
        stopped.wait(5)
        two = pool.submit(second)
        two.add_done_callback(lambda _: ended.set())
        return one.result().status_code, two.result().status_code


def test_whatever_two_requests_overlap_nothing_is_out_of_place(backend: Backend) -> None:
    # SQLite runs one transaction after the other.
    for pair in PAIRS[:: 4 if backend.services.store.one_writer else size(5, 1)]:
        ward = Ward(backend, findings=2)
        first, second = ward.numbers
        assert ward.review(first, "melanoma").status_code == 201
        letters = [ward.draft(first) for _ in range(2)]
        assert ward.sign(letters[0]).status_code == 200
        calls: dict[str, Call] = {
            "file": ward.file,
            "review 1": ward.reviewing(first, "melanoma"),
            "review 1 again": ward.reviewing(first, "melanocytic_nevus"),
            "review 2": ward.reviewing(second, "melanoma"),
            "delete 1": partial(ward.delete, first),
            "report 1": partial(ward.report, first),
            "thumbnail 1": partial(ward.thumbnail, first),
            "sign 1": partial(ward.sign, letters[1]),
            "withdraw 1": partial(ward.withdraw, letters[0]),
            "assign": partial(ward.assign, ward.other),
        }
        told = overlapped(*(calls[name] for name in pair))
        assert set(told) <= {200, 201, 404, 409}, pair
        assert (409 in told) == (pair == ("review 1", "review 1 again")), pair
        assert 404 not in told or {"delete 1", "assign"} & {*pair}, pair
        assert ward.is_whole(), pair
        kept = {row["id"] for row in ward.stored("submissions")}
        assert {row["submission"] for row in ward.stored("letters")} <= kept, pair
        spots = {row["id"] for row in ward.stored("lesions")}
        assert {row["lesion"] for row in ward.stored("reviews")} <= spots, pair


def test_what_is_entered_in_error_while_something_else_happens_stands_for_nothing(
    backend: Backend,
) -> None:
    for name in ("enter", "review", "second opinion", "sign", "delete", "report"):
        ward = Ward(backend, findings=2)
        number, other = ward.numbers
        (finding,) = (row for row in ward.stored("submissions") if row["number"] == number)
        assert ward.review(number, "melanoma").status_code == 201
        letter = ward.draft(number)
        enter = partial(ward.enter_in_error, number)
        beside: dict[str, Call] = {
            "enter": enter,
            "review": ward.reviewing(number, "melanocytic_nevus"),
            "second opinion": partial(ward.ask, number),
            "sign": partial(ward.sign, letter),
            "delete": partial(ward.delete, number),
            "report": partial(ward.report, number),
        }
        told = statuses(enter, beside[name])
        assert {*told} <= {200, 201, 404}, name
        assert numbers(ward.ada, "/submissions") == [other], name
        listed = [*numbers(ward.doctor, "/queue"), *numbers(ward.doctor, "/queue?reviewed=true")]
        assert listed == [other], name
        entered = ("submission.enter_in_error", "done")
        assert acts_on(backend, finding["id"]).count(entered) == told[0:1].count(200), name
        assert ward.is_whole(), name
        ward.erase()


def test_a_correction_beside_something_else_is_whole_or_refused(backend: Backend) -> None:
    """Either request comes first, or both begin at once."""
    beside = ("correct", "review", "delete", "enter", "erase photos", "move all")
    pairs = [*product(beside, (overlapped, overlapped_back, both_at_once))]
    for name, pair in pairs[:: size(4, 1)]:
        ward = Ward(backend, findings=0)
        number, other = (ward.file_mole() for _ in range(2))
        receiver = patient_of(backend, ward.doctor)
        corrected = partial(ward.correct, number)
        beside_it: dict[str, Call] = {
            "correct": partial(ward.correct, number, "0-29"),
            "review": ward.reviewing(number, "melanoma"),
            "delete": partial(ward.delete, number),
            "enter": partial(ward.enter_in_error, number),
            "erase photos": ward.erase_photos,
            "move all": partial(ward.move_all_to, receiver),
        }
        told = pair(corrected, beside_it[name])
        about = name, pair.__name__, told
        assert told[0] in (200, 409) or (told[0] == 404 and name in ("delete", "enter")), about
        assert told[1] in ((200, 409) if name == "correct" else (200, 201, 409)), about
        assert 409 not in told[1:] or name in ("correct", "review"), about
        stored = {row["number"]: row for row in ward.stored("submissions")}
        assert (number in stored) == (name != "delete"), about
        made = told.count(200) if name == "correct" else told[0] == 200
        if finding := stored.get(number):
            assert finding.get("version", 1) == 1 + made, about
            assert len(finding.get("earlier", ())) == made, about
            assert bool(finding.get("error")) == (name == "enter"), about
            kept = name != "erase photos"
            assert bool(finding.get("photo_blob")) == kept, about
        if name == "correct" and pair is not both_at_once:
            assert sorted(told) == [200, 409], about
        if name == "review":
            assert_answered(ward, number, signed=told[1] == 201)
        listed = [number, other] if number in stored and name != "enter" else [other]
        reader = receiver if name == "move all" else ward.ada
        assert sorted(numbers(reader, "/submissions")) == listed, about
        queued = [row["id"] for row in ward.doctor.pages("/queue") if "id" in row]
        assert sorted(queued) == listed, about
        assert ward.is_whole(), about
        erase(backend.services, backend.account(reader.email))


@pytest.mark.parametrize("act", [Ward.enter_in_error, Ward.delete, Ward.move_to_new_spot])
def test_what_changes_between_two_reads_of_an_answer_is_no_damage(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, act: Callable[[Ward, int], TestResponse]
) -> None:
    ward, read = Ward(backend, findings=1), Spots.read
    (number,) = ward.numbers

    def read_late(spots: Spots, lesions: Iterable[str]) -> dict[str, SpotView]:
        monkeypatch.setattr(Spots, "read", read)
        assert act(ward, number).status_code in (200, 201, 204)
        return read(spots, lesions)

    monkeypatch.setattr(Spots, "read", read_late)
    answer = ward.ada.call("GET", f"/submissions/{number}")
    assert answer.status_code == (200 if act is Ward.move_to_new_spot else 404)


def assert_answered(ward: Ward, number: int, *, signed: bool) -> None:
    reviews = ward.stored("reviews")
    assert len(reviews) == signed
    (finding,) = (row for row in ward.stored("submissions") if row["number"] == number)
    assert finding.get("covered_by", []) == [row["id"] for row in reviews]
    assert {row["spot_version"] for row in reviews} <= {2}


def overlapped_back(first: Call, second: Call) -> tuple[int, int]:
    """`second` is the request that stops."""
    back, forth = overlapped(second, first)
    return forth, back


def both_at_once(first: Call, second: Call) -> tuple[int, int]:
    one, two = statuses(first, second)
    return one, two
