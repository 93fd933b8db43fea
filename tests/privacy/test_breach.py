"""Whose data a key, an account or a time span touched."""

import csv
import io
import tracemalloc
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from skinapi.privacy.breach.acts import DONE, NOBODYS
from skinapi.privacy.breach.service import BreachService, Question
from skinapi.storage.ids import new_id, now
from skinapi.storage.unit_of_work import AuditRow
from tests.console.test_static import SUBJECTS
from tests.lab.test_from_reviews import CONFIRMED, clinic_of
from tests.lab.test_research_export import patient_of as research_patient
from tests.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person, erase
from tests.support.size import size


def ask(admin: Person, **query: Any) -> Any:
    answer = admin.call("GET", f"/data-protection/breach?{urlencode(query)}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def clinic(backend: Backend) -> dict[str, Person]:
    """A doctor with two patients, one of whom has a kept photo; and a stranger."""
    doctor = backend.member(role="doctor")
    care = {"doctor_id": backend.account(doctor.email).id}
    people = {
        "doctor": doctor,
        "seen": backend.member("seen@example.org", **care),
        "read": backend.member("read@example.org", **care),
        "stranger": backend.member("stranger@example.org"),
        "admin": backend.admin(),
    }
    for name in ("seen", "read", "stranger"):
        predicted(people[name], keep_photo=str(name == "seen").lower())
    return people


def number_of(person: Person) -> int:
    return int(person.call("GET", "/submissions").get_json()[0]["id"])


def test_an_account_in_other_hands_touched_whose_records_it_read(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    doctor, admin = clinic["doctor"], clinic["admin"]
    seen = number_of(clinic["seen"])
    for _ in range(2):
        assert doctor.call("GET", f"/submissions/{seen}/photo").status_code == 200
        assert doctor.call("GET", f"/submissions/{number_of(clinic['read'])}").status_code == 200
    review = {"label": "melanoma", "agreement": "agree"}
    assert doctor.call("POST", f"/submissions/{seen}/review", json=review).status_code == 201
    told = ask(admin, account=backend.account(doctor.email).id)
    acts = {one["email"]: one["acts"] for one in told["persons"]}
    assert acts == {
        "seen@example.org": {"read_photo": 2, "read_record": 1, "wrote": 1},
        "read@example.org": {"read_record": 1},
        doctor.email: {},  # what it shows of itself leaves no row
    }
    assert told["persons_total"] == 3
    assert told["first"] <= told["last"]
    assert backend.audit()[-1]["action"] == "breach.ask"
    assert backend.audit()[-1]["by"] == backend.account(admin.email).id


@pytest.mark.parametrize("path", ["/queue", "/patients", "/patients/{id}/submissions", "/lesions"])
def test_a_list_leaves_a_row_for_each_patient_and_day(
    backend: Backend, clinic: dict[str, Person], path: str
) -> None:
    doctor = clinic["doctor"]
    patient = backend.account("seen@example.org").id
    spot = clinic["seen"].call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()
    path = f"/lesions/{spot['id']}" if path == "/lesions" else path.format(id=patient)
    for _ in range(3):
        assert doctor.call("GET", path).status_code == 200, path
    rows = [row["target"] for row in backend.audit() if row["action"] == "record.read"]
    assert patient in rows
    assert len(rows) == len(set(rows))
    assert clinic["seen"].call("GET", "/submissions").status_code == 200
    assert [row for row in backend.audit() if row["by"] == row["target"] == patient] == []


def test_a_key_in_other_hands_touched_what_it_read_and_not_what_others_read(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    admin, doctor = clinic["admin"], clinic["doctor"]
    body = {"name": "viewer", "scopes": ["findings:read"], "current_password": PASSWORD}
    keys = [doctor.call("POST", "/keys", json=body).get_json() for _ in range(2)]
    for name, key in zip(("seen", "read"), keys, strict=True):
        program = Person(backend.client, key["secret"])
        number = number_of(clinic[name])
        assert program.call("GET", f"/submissions/{number}").status_code == 200
    told = ask(admin, key=keys[0]["_id"])
    assert {one["email"] for one in told["persons"]} == {"seen@example.org", doctor.email}


def test_a_time_span_touched_who_was_read_and_who_acted_in_it(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    admin, began = clinic["admin"], now() + timedelta(milliseconds=1)
    doctor = clinic["doctor"]
    assert doctor.call("GET", f"/submissions/{number_of(clinic['read'])}").status_code == 200
    assert clinic["stranger"].call("PUT", "/me/locale", json={"locale": "fr"}).status_code == 200
    span = {"since": began.isoformat(), "until": (now() + timedelta(seconds=1)).isoformat()}
    acts = {one["email"]: one["acts"] for one in ask(admin, **span)["persons"]}
    assert acts == {
        "read@example.org": {"read_record": 1},
        "stranger@example.org": {"own": 1},
    }
    before = {"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}
    assert ask(admin, **before)["persons"] == []


def test_who_was_erased_since_is_named_by_the_id_alone(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    admin, doctor = clinic["admin"], clinic["doctor"]
    assert doctor.call("GET", f"/submissions/{number_of(clinic['read'])}").status_code == 200
    gone = backend.account("read@example.org")
    erase(backend.services, gone)
    told = ask(admin, account=backend.account(doctor.email).id)
    (one,) = [one for one in told["persons"] if one["_id"] == gone.id]
    assert (one["email"], one["name"], one["role"]) == (None, None, None)
    assert any("id alone" in gap for gap in told["gaps"])


def test_the_file_has_a_line_for_each_person_and_no_formula(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    admin, doctor = clinic["admin"], clinic["doctor"]
    backend.edit("seen@example.org", name='=HYPERLINK("http://evil")')
    assert doctor.call("GET", f"/submissions/{number_of(clinic['seen'])}").status_code == 200
    query = urlencode({"account": backend.account(doctor.email).id, "format": "csv", "lang": "fr"})
    answer = admin.call("GET", f"/data-protection/breach?{query}")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {row["e-mail"] for row in rows} == {"seen@example.org", doctor.email}
    assert {row["nom"] for row in rows} >= {'\'=HYPERLINK("http://evil")'}


def test_the_note_has_what_the_authority_asks_for(
    backend: Backend, clinic: dict[str, Person]
) -> None:
    doctor = clinic["doctor"]
    assert doctor.call("GET", f"/submissions/{number_of(clinic['read'])}").status_code == 200
    account = backend.account(doctor.email).id
    for lang, words in (
        ("en", ("Article 33", "72 hours", "Persons: 2", "data about health", "PRIVACY_CONTACT")),
        ("fr", ("article 33", "72 heures", "Personnes : 2", "données de santé")),
    ):
        note = ask(clinic["admin"], account=account, lang=lang)["note"].replace("\u00a0", " ")
        assert [word for word in words if word not in note] == []
        assert "{" not in note


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "name a key, an account, or a time span"),
        ("since=2026-01-01T00:00:00Z", "name a key, an account, or a time span"),
        ("key=" + "0" * 32 + "&account=" + "0" * 32, "not both at once"),
        ("since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", "since must be before until"),
        ("account=ada@example.org", "account"),
        ("account=" + "0" * 32 + "&since=yesterday", "since"),
    ],
)
def test_what_cannot_be_asked_gets_a_sentence_and_leaves_no_row(
    backend: Backend, query: str, sentence: str
) -> None:
    admin = backend.admin()
    answer = admin.call("GET", f"/data-protection/breach?{query}")
    assert answer.status_code == 400
    assert sentence in answer.text
    assert [row for row in backend.audit() if row["action"] == "breach.ask"] == []


def test_whose_findings_went_into_a_research_export_was_touched(backend: Backend) -> None:
    lab = clinic_of(backend)
    ada = research_patient(lab, name="Ada Example")
    lab.finding(ada, CONFIRMED)
    assert lab.researcher.call("GET", "/research/findings").status_code == 200
    researcher = backend.account(lab.researcher.email).id
    told = ask(backend.admin(), account=researcher)
    acts = {one["email"]: one["acts"] for one in told["persons"]}
    assert acts[ada.email] == {"exported": 1}
    (read,) = [one for one in ada.call("GET", "/me/readers").get_json() if one["what"] != "record"]
    assert (read["what"], read["role"]) == ("research", "researcher")


def test_what_no_row_names_is_not_found(backend: Backend) -> None:
    answer = backend.admin().call("GET", f"/data-protection/breach?account={'0' * 32}")
    assert answer.status_code == 404


def test_every_action_of_the_trail_says_whose_data_it_touched_or_that_it_was_nobodys() -> None:
    subjects = {action.partition(".")[0] for action in DONE} | NOBODYS
    assert {*SUBJECTS.split("|"), "thumbnail"} <= subjects


def test_memory_grows_with_the_persons_and_not_with_the_rows(backend: Backend) -> None:
    data, doctor = backend.services.data, new_id()
    patients = [new_id() for _ in range(50)]
    rows = [
        AuditRow("photo.read", by=doctor, target=new_id(), owner=one)
        for _ in range(size(20, 2000) // 10)
        for one in patients * 10
    ]
    for start in range(0, len(rows), 500):
        data.trail.record_all(rows[start : start + 500])
    service = BreachService(
        trail=data.trail, accounts=data.accounts, keys=data.keys, clinic=None, contact=None
    )
    tracemalloc.start()
    breach = service.find_touched(Question(account=doctor), by="-")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert breach.rows == len(rows)
    assert {one.id for one in breach.persons} == {*patients}
    assert peak < 4 * 2**20
