"""What is in the file with everything about a person, in which form, and what is not."""

import re
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.pages import PageRequest
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import conditions_table
from skinapi.platform.audit.trail import TrailFilter
from skinapi.privacy.person_file.format import DATA, ME, PAGE, person_of
from skinapi.privacy.person_file.page import WORDS
from tests.care.clinic import URGENT, file_for, patient_in_care
from tests.care.conversation import Talk
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import bytes_of, made_for, read
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import signed_review


class Case:
    """A patient with a bit of everything, and the file of it."""

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
        self.lesion_findings = [self._spot("back"), self._spot("scalp")]
        for spot in self.lesion_findings:
            self._write(self.doctor, f"lesions/{spot}", "Does it itch?")
            self._write(self.ada, f"lesions/{spot}", "It does.")
            self.ada.call_ok("PUT", f"/lesions/{spot}/messages/read", json={"message": "f" * 32})
        account = backend.account(self.ada.email).id
        self._write(self.ada, f"patients/{account}", "May I swim?")
        self.ada.call("PUT", "/me/consents", json={"photos": True, "training": False})
        predicted(self.ada, keep_photo="false")
        self.doctor.call("GET", f"/submissions/{practice.number}/photo")
        self.archive = made_for(backend, self.ada, folder / "work")

    def _spot(self, site: str) -> str:
        answer = self.ada.call("POST", "/lesions", json={"place": {"site": site}})
        return str(answer.get_json()["id"])

    def _write(self, by: Person, about: str, text: str) -> None:
        by.call_ok("POST", f"/{about}/messages", json={"text": text}, status=201)

    def stored(self, collection: str, **wanted: Any) -> list[dict[str, Any]]:
        return self.backend.services.store.collection(collection).find(wanted)

    def finding(self, number: int | str) -> dict[str, Any]:
        [filed] = [item for item in read(self.archive)["findings"] if item["number"] == int(number)]
        found: dict[str, Any] = filed
        return found


@pytest.fixture(scope="module")
def case(shared_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(shared_backend, tmp_path_factory.mktemp("case"))


def test_all_that_is_stored_of_a_person_is_in_it(case: Case) -> None:
    archive, practice = case.archive, case.practice
    account, backend = case.backend.account(case.ada.email), case.backend
    assert read(archive)["account"]["email"] == account.email
    assert read(archive)["account"]["doctor"] == "Dr Grace Hopper"
    assert read(archive)["consents"]["current"] == {"photos": True, "training": False}
    sessions = {item["id"] for item in read(archive)["sessions"]}
    assert sessions == {item["id"] for item in case.stored("sessions", account=account.id)}
    spots = {item["id"]: item for item in read(archive)["spots"]}
    assert {*spots} == {item["id"] for item in case.stored("lesions", owner=account.id)}
    assert {*spots} > {*case.lesion_findings}
    messages = {item["id"]: item for item in read(archive)["messages"]}
    for stored in case.stored("messages", owner=account.id):
        filed = messages.pop(stored["id"])
        same = ("lesion", "text", "signature", "submission")
        assert {name: filed[name] for name in same} == {name: stored.get(name) for name in same}
        assert (filed["author"] == "me") == (stored["author"] == account.id)
    assert messages == {}
    for stored in case.stored("submissions", owner=account.id):
        filed, (told,) = (
            case.finding(stored["number"]),
            [item for item in [backend.services.findings.records.find(stored["id"])] if item],
        )
        assert filed["finding"] == told.finding.model_dump(mode="json")
        assert filed["context"] == told.context.model_dump(mode="json")
        assert filed["sections"] == told.sections
    filed = case.finding(practice.number)
    reviews = case.stored("reviews", submission=filed["id"])
    assert [item["note"] for item in filed["reviews"]] == [review.get("note") for review in reviews]
    assert filed["decision"]["label"] == "melanocytic_nevus"
    doctors = {filed["decision"]["doctor"], *(item["doctor"] for item in filed["reviews"])}
    assert len(doctors) == 1
    assert re.fullmatch("person-[0-9a-f]{32}", doctors.pop())
    (letter,) = filed["letters"]
    signed = [item for item in case.stored("letters") if item.get("signed_at")]
    said = "decision", "text"
    assert [[letter[name] for name in said]] == [[item[name] for name in said] for item in signed]
    page = unescape(case.archive.read(PAGE).decode())
    shown = page.partition(LABELS["en"].letters["patient"])[2]
    lines = *letter["decision"].splitlines(), letter["text"].splitlines()[0]
    places = [shown.find(line) for line in lines]
    assert places == sorted(places)
    assert places[0] >= 0


def test_photos_are_the_stored_ones_and_issued_reports_are_named(case: Case) -> None:
    filed = case.finding(case.practice.number)
    (stored,) = case.stored("submissions", number=int(case.practice.number))
    (photo,) = filed["photos"]
    assert case.archive.read(photo["path"]) == case.backend.services.store.blobs.find(
        stored["photo_blob"]
    )
    assert set(case.archive.namelist()) == {DATA, PAGE, photo["path"]}
    issued = {item["hash"] for item in case.stored("reports")}
    assert {item["hash"] for item in filed["reports"]} == issued
    others = [item for item in case.stored("submissions") if item["id"] != stored["id"]]
    (without,) = [case.finding(other["number"]) for other in others]
    assert (without["photos"], without["reports"]) == ([], [])
    assert {item["hash"] for item in case.stored("reports")} == issued  # nothing is issued for it


def test_each_version_of_a_finding_says_what_it_said_and_who_had_it_judged(case: Case) -> None:
    filed = case.finding(case.practice.number)
    told = [filed, *reversed(filed["earlier"])]
    assert [item["version"] for item in told] == [3, 2, 1]
    assert [item["corrected"] for item in told] == [["sex"], ["age_band"], []]
    doctor = filed["decision"]["doctor"]
    assert [item["judged_by"] for item in told] == [doctor, "me", None]
    assert [item["context"]["age_band"] for item in told] == ["60-74", "60-74", None]
    made_at = [item["spot_version"] for item in (*filed["reviews"], *filed["reports"])]
    assert made_at == [2, 5, 5]
    (stored,) = case.stored("submissions", number=int(case.practice.number))
    for item, before in zip(filed["earlier"], stored["earlier"], strict=True):
        for name in ("finding", "sections", "narrative_source"):
            assert item[name] == before[name]
    page = unescape(case.archive.read(PAGE).decode())
    assert "version 3 · corrected before: Sex" in page
    shown = page.partition(WORDS["en"].labels["earlier"])[2].partition("</article>")[0]
    said = re.findall("version .*(?=<)", shown)
    assert said == ["version 2 · corrected before: Age", "version 1"]


def test_what_cannot_be_read_is_left_out_and_named_in_it(backend: Backend, tmp_path: Path) -> None:
    """A file without it is better than none: nobody else can make one."""
    doctor, ada = patient_in_care(backend)
    filed = [file_for(backend, ada, URGENT) for _ in range(4)]
    review = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(doctor, filed[1].number, review)
    store = backend.services.store
    for collection, wanted, field in (
        ("submissions", {"id": filed[0].id}, "band"),
        ("reviews", {"submission": filed[1].id}, "opinion"),
        ("submissions", {"id": filed[2].id}, "sections"),  # lists do not read it
    ):
        assert store.collection(collection).update(wanted, {"$unset": {field: True}})
    archive = made_for(backend, ada, tmp_path / "work")
    data = read(archive)
    assert [item["id"] for item in data["findings"]] == [filed[3].id]
    assert data["missing"] == [
        {"finding": item, "photo": None, "reason": "damaged"}
        for item in sorted(item.id for item in filed[:3])
    ]
    assert data["damaged"] == 3
    page = unescape(archive.read(PAGE).decode())
    assert WORDS["en"].labels["missing"].format(count=3) in page
    assert backend.services.data.failed_items.gauges()[0].value == 3


def test_who_asks_for_it_has_not_opened_what_a_doctor_decided(
    backend: Backend, tmp_path: Path
) -> None:
    """The doctor would read that the patient knows of it."""
    practice = Practice(backend)
    practice.review("melanocytic_nevus")
    case = f"/submissions/{practice.number}/case"

    def filed() -> Any:
        [spot] = read(made_for(backend, practice.ada, tmp_path / "work"))["spots"]
        return spot["opened_at"]

    before = filed()
    assert "opened_at" not in practice.doctor.call("GET", case).get_json()
    practice.ada.call("GET", f"/submissions/{practice.number}")
    assert filed() > before
    assert "opened_at" in practice.doctor.call("GET", case).get_json()


def test_it_says_who_did_what_by_role_alone(case: Case) -> None:
    rows = read(case.archive)["audit"]
    said = {(row["action"], row["by"], row["finding"]) for row in rows}
    number = int(case.practice.number)
    assert {
        ("photo.read", "doctor", number),
        ("review.create", "doctor", number),
        ("submission.create", "me", number),
        ("account.consents", "me", None),
    } <= said
    assert not [action for action, _, _ in said if action == "letter.draft"]
    assert {row["name"] for row in rows if row["action"] == "photo.read"} == {"Dr Grace Hopper"}
    account = case.backend.account(case.ada.email).id
    trail = case.backend.services.data.trail
    rows_about = trail.page(TrailFilter(account=account), PageRequest(999)).items
    ids = {item["id"] for item in rows_about}
    assert {row["id"] for row in rows} <= ids


def test_its_page_says_it_without_script_or_network(case: Case) -> None:
    page = case.archive.read(PAGE).decode()
    assert WORDS["en"].labels["title"] in page
    for said in ("Come again in May.", "Does it itch?", "It does.", "May I swim?", case.ada.email):
        assert said in page
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {item for item in named if not item.startswith("#")} <= set(case.archive.namelist())
    assert {item[1:] for item in named if item.startswith("#")} <= {
        *re.findall(r'id="([^"]+)"', page)
    }
    assert "<script" not in page


def test_its_page_says_how_certain_a_doctor_was(backend: Backend, tmp_path: Path) -> None:
    practice = Practice(backend, reviewed=False)
    practice.review("melanoma", certainty="sure", sample="waiting")
    practice.review("melanocytic_nevus", certainty="suspected", sample="none")
    practice.review(None, photo_wanted=True)
    page = unescape(made_for(backend, practice.ada, tmp_path / "work").read(PAGE).decode())
    _, _, said = page.partition(WORDS["en"].labels["doctors"])
    words, table = conditions_table().notices.decision, conditions_table()
    for title, label in (("suspected", "melanoma"), ("opinion", "melanocytic_nevus")):
        name = table.name_for_patient(label, "en")
        heading = words.heading.en.format(title=getattr(words, title).en, name=name)
        assert heading in said
    assert words.waits_for["photo"].label.en in said


def test_nobody_else_is_in_it(backend: Backend, tmp_path: Path) -> None:
    case, other = Case(backend, tmp_path), Talk(backend)
    other.sent(other.ada, "nobody else's words")
    case.backend.edit(other.ada.email, name="Zoe Somebody")
    number = predicted(other.ada, keep_photo="true")["id"]
    text = bytes_of(case.archive)
    again = bytes_of(made_for(case.backend, case.ada, Path(case.backend.settings.instance_dir)))
    for content in (text, again):
        for secret in (
            "nobody else's words", "Zoe Somebody", other.ada.email, case.doctor.email,
            case.practice.other.email, "A draft of nobody's business",
            case.backend.account(case.doctor.email).id, case.backend.account(other.ada.email).id,
        ):  # fmt: skip
            assert secret.encode() not in content, secret
    assert str(number) not in [
        str(item["number"])
        for item in case.stored("submissions", owner=case.backend.account(case.ada.email).id)
    ]


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


OWNER, DOCTOR = "0" * 32, "1" * 32


def test_others_are_named_by_what_leads_back_to_nobody_and_stays_the_same() -> None:
    named = person_of(DOCTOR, owner=OWNER)
    assert DOCTOR not in named
    assert named == person_of(DOCTOR, owner="2" * 32)
    assert person_of(OWNER, owner=OWNER) == ME
