import re
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.languages import Language
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import conditions_table
from skinapi.privacy.person_file.making import DATA, PAGE
from skinapi.privacy.person_file.page import WORDS
from tests.care.clinic import URGENT, file_for, patient_in_care
from tests.care.conversation import Talk
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import bytes_of, made_for, read
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import signed_review


class Case:
    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend = backend
        self.practice = practice = Practice(backend)
        self.ada, self.doctor = practice.ada, practice.doctor
        for by, told in ((self.ada, {"age_band": "60-74"}), (self.doctor, {"sex": "female"})):
            path, seen = f"/submissions/{practice.number}/facts", by.newest_of(practice.number)
            body = {"age_band": "60-74", "version": seen, **told}
            assert by.call("PUT", path, json=body).status_code == 200
        practice.review("melanocytic_nevus", note="Come again in May.")
        practice.sign(practice.draft())
        practice.change(practice.draft(), "A draft of nobody's business")
        self.ada.call("GET", f"/submissions/{practice.number}/report.pdf")
        self.empty_spots = [self._spot("back"), self._spot("scalp")]
        for spot in self.empty_spots:
            self._write(self.doctor, spot, "Does it itch?")
            self._write(self.ada, spot, "It does.")
            [newest, *_] = self.ada.pages(f"/conversations/{spot}/messages?order=newest")
            self.ada.call_ok("PUT", f"/messages/{newest['_id']}/read")
        account = backend.account(self.ada.email).id
        self._write(self.ada, account, "May I swim?")
        self.ada.call("PUT", "/me/consents", json={"photos": True, "training": False})
        predicted(self.ada, keep_photo="false")
        self.doctor.call("GET", f"/submissions/{practice.number}/photo")
        self.archive = made_for(backend, self.ada, folder / "work")

    def _spot(self, site: str) -> str:
        answer = self.ada.call("POST", "/lesions", json={"place": {"site": site}})
        return str(answer.get_json()["id"])

    def _write(self, by: Person, about: str, text: str) -> None:
        by.call_ok("POST", f"/conversations/{about}/messages", json={"text": text}, status=201)

    def stored(self, collection: str, **wanted: Any) -> list[dict[str, Any]]:
        return self.backend.services.store.collection(collection).find(wanted)

    def finding(self, number: int | str) -> dict[str, Any]:
        [filed] = [item for item in read(self.archive)["findings"] if item["id"] == int(number)]
        found: dict[str, Any] = filed
        return found


@pytest.fixture(scope="module")
def case(shared_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(shared_backend, tmp_path_factory.mktemp("case"))


def test_it_has_what_the_api_answers_to_the_person(case: Case) -> None:
    data, practice, ada = read(case.archive), case.practice, case.ada
    assert data["account"] == {**ada.call_ok("GET", "/me"), "notices": True}
    assert data["account"]["doctor_name"] == "Dr Grace Hopper"
    consents = ada.call_ok("GET", "/me/consents")["history"]
    assert data["consents"] == consents[::-1]
    assert {item["_id"] for item in data["sessions"]} == {
        item["_id"] for item in ada.call_ok("GET", "/me/sessions")
    }
    spots = {item["id"]: item for item in ada.call_ok("GET", "/lesions")}
    filed = {item["id"]: item for item in data["spots"]}
    assert {*filed} == {*spots, *case.empty_spots}
    for spot, answered in spots.items():
        same = ("created_at", "name", "place", "instruction", "reminder")
        assert [filed[spot][name] for name in same] == [answered[name] for name in same]
    own = f"/conversations/{data['account']['_id']}/messages"
    asked = (f"/conversations/{case.empty_spots[1]}/messages", own)
    written = [item for path in asked for item in ada.call_ok("GET", path)]
    assert [{**item, "lesion": None} for item in data["messages"][2:]] == [
        {**item, "lesion": None} for item in written
    ]
    path = f"/submissions/{practice.number}"
    finding, answered = case.finding(practice.number), ada.call_ok("GET", f"{path}?lang=en")
    shared = answered.keys() & finding.keys()
    assert {*answered} - shared <= {"model", "will_look", "filed"}
    assert {name: finding[name] for name in shared} == {name: answered[name] for name in shared}
    assert finding["reviews"] == ada.call_ok("GET", f"{path}/reviews")
    (letter,), (answered,) = finding["letters"], ada.call_ok("GET", f"{path}/letters")
    assert letter.items() <= answered.items()
    assert [item["version"] for item in finding["versions"]] == [1, 2]


def test_photos_are_the_stored_ones_and_issued_reports_are_named(case: Case) -> None:
    filed = case.finding(case.practice.number)
    (stored,) = case.stored("submissions", number=int(case.practice.number))
    (photo,) = filed["photos"]
    assert case.archive.read(photo) == case.backend.services.store.blobs.find(stored["photo_blob"])
    assert set(case.archive.namelist()) == {DATA, PAGE, photo}
    issued = {item["hash"] for item in case.stored("reports")}
    assert {item["hash"] for item in filed["reports"]} == issued
    (other,) = [item for item in read(case.archive)["findings"] if item != filed]
    assert (other["photos"], other["reports"]) == ([], [])


def test_what_cannot_be_read_is_left_out_and_named_in_it(backend: Backend, tmp_path: Path) -> None:
    """A file without it is better than none: nobody else can make one."""
    doctor, ada = patient_in_care(backend)
    filed = [file_for(backend, ada, URGENT) for _ in range(4)]
    review = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(doctor, filed[1].number, review)
    ada.call_ok("PUT", "/me/consents", json={"photos": True})
    blob = backend.services.store.blobs.put(b"a photo")
    lost = file_for(backend, ada, URGENT, photo_blob=blob)
    store = backend.services.store
    for collection, wanted, field in (
        ("submissions", {"id": filed[0].id}, "level"),
        ("reviews", {"submission": filed[1].id}, "opinion"),
        ("submissions", {"id": filed[2].id}, "sections"),  # lists do not read it
    ):
        assert store.collection(collection).update(wanted, {"$unset": {field: True}})
    store.blobs.delete(blob)
    archive = made_for(backend, ada, tmp_path / "work")
    data = read(archive)
    assert [item["_id"] for item in data["findings"]] == [filed[3].id, lost.id]
    named = [f"submissions/{item.id}" for item in (filed[0], filed[2])]
    named.append(f"lesions/{filed[1].lesion}")  # whose review cannot be read
    assert {*named, f"photos/{lost.number}-1.jpg"} <= {*data["left_out"]}
    page = unescape(archive.read(PAGE).decode())
    assert WORDS["en"].labels["missing"].format(count=len(data["left_out"])) in page
    assert backend.services.data.failed_items.gauges()[0].value == 3


def test_who_asks_for_it_has_not_opened_what_a_doctor_decided(
    backend: Backend, tmp_path: Path
) -> None:
    """Otherwise the doctor would read that the patient knows of it."""
    practice = Practice(backend)
    practice.review("melanocytic_nevus")
    case = f"/submissions/{practice.number}/case"
    made_for(backend, practice.ada, tmp_path / "work")
    assert "opened_at" not in practice.doctor.call_ok("GET", case)
    practice.ada.call("GET", f"/submissions/{practice.number}")
    assert "opened_at" in practice.doctor.call_ok("GET", case)


def test_it_says_who_did_what_by_role_and_who_has_looked_by_name(case: Case) -> None:
    data, finding = read(case.archive), case.finding(case.practice.number)["_id"]
    said = {(row["action"], row["by"], row["about"]) for row in data["audit"]}
    assert {
        ("photo.read", "doctor", finding),
        ("review.create", "doctor", finding),
        ("submission.create", "me", finding),
        ("account.consents", "me", None),
    } <= said
    assert not [action for action, _, _ in said if action == "letter.draft"]
    looked = {(row["what"], row["name"]) for row in data["readers"]}
    assert ("photo", "Dr Grace Hopper") in looked


def test_its_page_says_it_without_script_or_network(case: Case) -> None:
    page = unescape(case.archive.read(PAGE).decode())
    assert WORDS["en"].labels["title"] in page
    letter = case.finding(case.practice.number)["letters"][0]
    for said in (
        *("Come again in May.", "Does it itch?", "It does.", "May I swim?", case.ada.email),
        *("Dr Grace Hopper", letter["text"].splitlines()[0], *letter["decision"].splitlines()),
    ):
        assert said in page
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {item for item in named if not item.startswith("#")} <= set(case.archive.namelist())
    assert {item[1:] for item in named if item.startswith("#")} <= {
        *re.findall(r'id="([^"]+)"', page)
    }
    assert "<script" not in page


def test_its_page_says_how_certain_a_doctor_was_and_what_was_taken_back(
    backend: Backend, tmp_path: Path
) -> None:
    practice = Practice(backend, reviewed=False)
    practice.review("melanoma", certainty="sure", sample="waiting")
    practice.review("melanocytic_nevus", certainty="suspected", sample="none")
    practice.review(None, photo_wanted=True, note="Too dark")
    *_, newest = practice.doctor.call_ok("GET", f"/submissions/{practice.number}/reviews")
    void = f"/submissions/{practice.number}/reviews/{newest['_id']}/void"
    practice.doctor.call_ok("POST", void, json={"reason": "A wrong photo."})
    page = unescape(made_for(backend, practice.ada, tmp_path / "work").read(PAGE).decode())
    _, _, said = page.partition(WORDS["en"].labels["doctors"])
    words, table = conditions_table().notices.decision, conditions_table()
    for title, label in (("suspected", "melanoma"), ("opinion", "melanocytic_nevus")):
        name = table.name_for_patient(label, "en")
        heading = words.heading.en.format(title=getattr(words, title).en, name=name)
        assert f"<bdi>{heading}</bdi>" in said
    assert words.waits_for["photo"].label.en in said
    assert "<del>Too dark</del>" in said
    assert "(voided: it does not count)" in said


def test_a_withdrawn_letter_is_struck_through(backend: Backend, tmp_path: Path) -> None:
    practice = Practice(backend)
    letter = practice.sign(practice.draft()).get_json()
    path, reason = f"/letters/{letter['_id']}/withdrawal", "Another patient's."
    practice.doctor.call_ok("POST", path, json={"reason": reason})
    page = unescape(made_for(backend, practice.ada, tmp_path / "work").read(PAGE).decode())
    assert reason in page
    assert f"<del>{letter['text'].splitlines()[0]}</del>" in page


def test_nobody_else_is_in_it(backend: Backend, tmp_path: Path) -> None:
    case, other = Case(backend, tmp_path), Talk(backend)
    other.sent(other.ada, "nobody else's words")
    case.backend.edit(other.ada.email, name="Zoe Somebody")
    predicted(other.ada, keep_photo="true")
    text = bytes_of(made_for(case.backend, case.ada, tmp_path / "again"))
    for content in (bytes_of(case.archive), text):
        for secret in (
            "nobody else's words", "Zoe Somebody", other.ada.email, case.practice.other.email,
            "A draft of nobody's business", case.backend.account(case.doctor.email).id,
            case.backend.account(other.ada.email).id,
        ):  # fmt: skip
            assert secret.encode() not in content, secret


def test_no_secret_is_in_it(backend: Backend, tmp_path: Path) -> None:
    ada = backend.member()
    ada.call("POST", "/me/second-factor", json={"current_password": PASSWORD})
    mine = {"name": "mine", "scopes": ["findings:read"]}
    made = ada.call("POST", "/keys", json={**mine, "current_password": PASSWORD})
    text = bytes_of(made_for(backend, ada, tmp_path / "work"))
    account = backend.account(ada.email)
    assert account.second_factor
    (key,) = backend.services.data.keys.list_of(account.id)
    assert key.name.encode() in text
    for secret in (
        *(account.password_hash, ada.token, account.second_factor.salt),
        *(key.hash, made.get_json()["secret"]),
    ):
        assert secret.encode() not in text


def test_who_has_nothing_gets_a_file_too(backend: Backend, tmp_path: Path) -> None:
    archive = made_for(backend, backend.member(role="researcher"), tmp_path / "work")
    assert read(archive)["findings"] == []
    assert WORDS["en"].labels["nothing"] in archive.read(PAGE).decode()
    assert zipfile.ZipFile.testzip(archive) is None


@pytest.mark.parametrize("language", LABELS)
def test_its_page_is_in_the_language_of_the_account(
    backend: Backend, tmp_path: Path, language: Language
) -> None:
    practice = Practice(backend)
    practice.review("melanocytic_nevus")
    practice.ada.call_ok("PATCH", "/me", json={"locale": language})
    page = unescape(made_for(backend, practice.ada, tmp_path / "work").read(PAGE).decode())
    assert f'<html lang="{language}">' in page
    assert WORDS[language].labels["title"] in page
