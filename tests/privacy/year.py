"""A simulated year of use through HTTP: one patient, and everybody who deals with her.
`live_a_year(backend)` leaves data in every collection, and returns the marks by which the person
can be found. The backend needs the settings of `settings_of_year`. The clock of this process is set
back meanwhile.
"""

import argparse
import base64
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from skinapi.accounts.auth import authorizer
from skinapi.accounts.auth.second_factor import code_at, step_of
from skinapi.app import backup_commands
from skinapi.app.demo.clinic import SPOTS
from skinapi.base.area_parts import list_parts
from skinapi.platform.storage import ids
from skinapi.platform.storage.ids import Clock, now
from tests.support.backends import ADMIN, MAIL, PASSWORD, Backend, Person
from tests.support.openrouter import KEY, OpenRouter, believe
from tests.support.reviews import signed_review

NEW_PASSWORD = "a second horse battery"
WORDS = {
    "name": "Philomena Quastenflosser",
    "email": "philomena.quastenflosser@person.example",
    "phone": "+43 (0)664 1234567",
    "spot": "Leberfleck unter dem Zopf",
    "other spot": "Fleck am linken Knie",
    "question": "Juckt das wegen der Wollsocken?",
    "second question": "Darf ich damit in die Therme?",
    "question about no spot": "Welche Sonnencreme nehme ich am besten?",
    "answer": "Nein, bitte erst nach der Kontrolle baden.",
    "second answer": "Beim Knie genuegt ein Bild im Fruehjahr.",
    "note": "Netzwerk unruhig, Rand gezackt, bitte Exzision planen.",
    "second note": "Histologie liegt vor, alles im Gesunden entfernt.",
    "opinion": "Ich sehe einen Regressionsherd bei drei Uhr.",
    "opinion question": "Siehst du den Regressionsherd auch?",
    "letter": "Liebe Frau Quastenflosser, bitte kommen Sie am Dienstag nuechtern.",
    "withdrawal": "Der Termin im Brief war falsch.",
    "key": "Waage von Philomena",
}
OTHER = {"name": "Balduin Anderswo", "email": "balduin.anderswo@person.example"}


@dataclass
class Kept:
    """A photo of the person: its bytes as sent and as stored, and its pixels."""

    sent: bytes
    stored: bytes

    @property
    def pixels(self) -> bytes:
        return Image.open(io.BytesIO(self.stored)).convert("RGB").tobytes()


@dataclass
class Marks:
    """What identifies the person. `files` are the keys of all her stored files: photos, thumbnails,
    PDFs.
    """

    account: str
    words: dict[str, str] = field(default_factory=lambda: dict(WORDS))
    photos: list[Kept] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def needles(self) -> dict[str, bytes]:
        """Return what to search for by name: the words, and pieces of each file that occur nowhere
        else.
        """
        words = {f"her {name}": text.encode() for name, text in self.words.items()}
        files = {f"the file {key}": piece(content) for key, content in self.files.items()}
        sent = {f"photo {n} as sent": piece(item.sent) for n, item in enumerate(self.photos)}
        drawn = {f"pixels of photo {n}": piece(item.pixels) for n, item in enumerate(self.photos)}
        return {**words, **files, **sent, **drawn}


def piece(content: bytes, size: int = 64) -> bytes:
    """Take it from the middle, where no two files are alike."""
    return content[len(content) // 2 :][:size]


@dataclass
class Somebody(Person):
    """Logs in again if a session has ended, as after months."""

    backend: Backend | None = None
    password: str = PASSWORD

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        answer = super().call(method, path, **options)
        if answer.status_code == 401 and self.backend:
            self.log_in()
            answer = super().call(method, path, **options)
        return answer

    def log_in(self, **more: str) -> None:
        assert self.backend
        body = {"email": self.email, "password": self.password, **more}
        answer = self.client.post("/login", json=body)
        assert answer.status_code == 200, answer.text
        self.token = answer.get_json()["access_token"]

    def do(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        sent = {"json": body} if body is not None else {}
        answer = self.call(method, path, **sent, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.get_json(silent=True) if answer.is_json else answer.data


@dataclass
class Year:
    """The people, what they made, and the marks of the patient. `program` has the patient's key."""

    backend: Backend
    admin: Somebody
    doctor: Somebody
    colleague: Somebody
    researcher: Somebody
    person: Somebody
    other: Somebody
    program: Somebody
    marks: Marks
    numbers: list[int] = field(default_factory=list)
    lesions: list[str] = field(default_factory=list)
    backups: list[Path] = field(default_factory=list)

    @property
    def account(self) -> str:
        return self.marks.account


def settings_of_year(llm: OpenRouter | None = None) -> dict[str, Any]:
    if llm is None:
        return {**MAIL}
    asked = {"openrouter_api_key": KEY, "openrouter_url": llm.url, "predict_narrative": "llm"}
    return {**MAIL, **asked}


@contextmanager
def in_the_past() -> Iterator[None]:
    """Set the clock back. Ids may then begin earlier than those that this process has made, and
    tokens of that time are valid.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids._Ids, "last", 0)
        patch.setattr(
            authorizer, "DECODE_OPTIONS", {**authorizer.DECODE_OPTIONS, "verify_exp": False}
        )
        patch.setattr(backup_commands, "configure_logs", lambda: None)
        try:
            yield
        finally:
            Clock.set_back = timedelta()


def days_ago(many: float) -> None:
    Clock.set_back = timedelta(days=many)


def live_a_year(backend: Backend, folder: Path) -> Year:
    """`folder` gets the backups, made at three dates."""
    with in_the_past():
        days_ago(360)
        believe(backend.services.store)
        year = _meet(backend)
        days_ago(355)
        _first_spot(year)
        _back_up(year, folder)
        days_ago(200)
        _programs(year)
        _excision(year)
        days_ago(150)
        _opinion(year)
        _write_to_each_other(year)
        _areas_of_researchers(year)
        _back_up(year, folder)
        days_ago(60)
        year.person.do("PUT", "/me/consents", {"llm": False})
        _letters(year)
        days_ago(50)  # given again: there is a history
        year.person.do("PUT", "/me/consents", {"llm": True})
        days_ago(20)
        _log_ins(year)
        _back_up(year, folder)
        days_ago(2)
        _last_days(year)
    _today(year)
    backend.services.data.trail.seal_all()
    _note_files(year)
    return year


def _meet(backend: Backend) -> Year:
    backend.services.admin.ensure_admin(email=ADMIN, password=PASSWORD)
    admin = Somebody(backend.client, "", ADMIN, backend)
    doctor, colleague = (
        _join(backend, admin, who, "doctor") for who in ("Maren Holt", "S. Haddad")
    )
    researcher = _join(backend, admin, "Noor Lind", "researcher")
    for item in (WORDS, OTHER):
        _register(backend, item["name"], item["email"])
    person = Somebody(backend.client, "", WORDS["email"], backend)
    other = Somebody(backend.client, "", OTHER["email"], backend)
    for patient in (person, other):
        admin.do("PATCH", f"/users/{patient.email}/approve", {})
        admin.do("PUT", f"/users/{patient.email}/doctor", {"doctor": doctor.email})
        patient.do("PUT", "/me/consents", {"photos": True, "llm": True, "training": True})
    person.do("PATCH", "/me", {"locale": "fr"})
    person.do("PATCH", "/me", {"phone": WORDS["phone"]})
    person.do("PATCH", "/me", {"birth_year": 1991, "sex": "female"})
    marks = Marks(backend.account(person.email).id)
    program = Somebody(backend.client, "")
    return Year(backend, admin, doctor, colleague, researcher, person, other, program, marks)


def _register(backend: Backend, name: str, email: str, **more: str) -> None:
    body = {"name": name, "email": email, "password": PASSWORD, **more}
    assert backend.client.post("/register", json=body).status_code == 201


def _join(backend: Backend, admin: Somebody, name: str, role: str) -> Somebody:
    email = f"{name.rpartition(' ')[2].lower()}@clinic.example"
    _register(backend, name, email, wanted_role=role)
    admin.do("PATCH", f"/users/{email}/approve", {"role": role})
    return Somebody(backend.client, "", email, backend)


def _turned(spot: str, degrees: int) -> bytes:
    out = io.BytesIO()
    with Image.open(SPOTS / f"{spot}.jpg") as photo:
        photo.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="tan").save(out, "JPEG")
    return out.getvalue()


def _photograph(
    year: Year,
    spot: str,
    view: int,
    lesion: str | None,
    by: Somebody | None = None,
    also: Sequence[int] = (),
    **told: str,
) -> int:
    contents, by = [_turned(spot, 3 * item) for item in (view, *also)], by or year.person
    by.do("GET", "/me")  # logs in where it must: a file is sent once
    photos = [(io.BytesIO(content), "spot.jpg") for content in contents]
    form: dict[str, Any] = {"image": photos, "keep_photo": "true", "same_spot": "true"}
    form |= {"modality": "dermoscopic", "age_band": "30-44", "sex": "female", **told}
    if lesion:
        form["lesion"] = lesion
    found = by.call("POST", "/predict", data=form, content_type="multipart/form-data")
    assert found.status_code == 200, found.text
    number: int = found.get_json()["id"]
    if by is year.person:
        year.numbers.append(number)
        stored = year.backend.services.data.findings.find_by_number(number)
        assert stored
        kept = [picture.photo_blob for picture in stored.pictures if picture.photo_blob]
        for sent, key in zip(contents, kept, strict=True):
            year.marks.photos.append(Kept(sent, _file(year, key)))
    return number


def _first_spot(year: Year) -> None:
    person, doctor = year.person, year.doctor
    place = {"site": "back", "side": "rear", "x": 42, "y": 58}
    spot = person.do("POST", "/lesions", {"place": place, "name": WORDS["spot"]})["id"]
    knee = person.do(
        "POST", "/lesions", {"place": {"site": "lower_extremity"}, "name": WORDS["other spot"]}
    )["id"]
    year.lesions = [spot, knee]
    first = _photograph(year, "growing-1", 0, spot, checklist="none")
    said = {"label": "melanocytic_nevus"}
    signed_review(doctor, first, said)
    person.do("GET", f"/submissions/{first}/report.pdf")
    person.do("GET", f"/submissions/{first}/report.pdf?lang=en")
    person.do("GET", f"/submissions/{first}/thumbnail")
    theirs = _photograph(year, "mole-before", 5, None, by=year.other)
    signed_review(doctor, theirs, said)


def _programs(year: Year) -> None:
    body = {"name": WORDS["key"], "scopes": ["findings:read", "findings:write"], "sessions": True}
    own = {"current_password": year.person.password}
    key = year.person.do("POST", "/keys", {**body, **own})
    year.program.token = key["secret"]
    year.program.do("POST", "/keys/sessions", {"scope": "findings:read"})
    year.program.do("GET", "/submissions")
    for area in list_parts("year", "tests"):
        area.begin(year.backend)


def _areas_of_researchers(year: Year) -> None:
    for area in list_parts("year_of_research", "tests"):
        area.live(year)


def _excision(year: Year) -> None:
    doctor = year.doctor
    grown = _photograph(
        year, "growing-3", 1, year.lesions[0], checklist="change_in_size,irregular_colour"
    )
    said = {"certainty": "sure", "label": "melanoma", "urgency": "urgent_referral"}
    signed_review(doctor, grown, said, sample="waiting", note=WORDS["note"])
    result = {"label": "melanoma", "certainty": "laboratory"}
    signed_review(doctor, grown, result, note=WORDS["second note"])
    for report in ("report.json", "report.html", "report.pdf"):
        doctor.do("GET", f"/submissions/{grown}/{report}")


def _opinion(year: Year) -> None:
    asked = _photograph(year, "small-mole", 2, year.lesions[1], also=(7, 8))
    path = f"/submissions/{asked}/second-opinion"
    body = {"colleague": year.colleague.email, "question": WORDS["opinion question"]}
    year.doctor.do("PUT", path, body)
    said = {"label": "melanocytic_nevus", "comment": WORDS["opinion"]}
    year.colleague.do("POST", f"/submissions/{asked}/opinion", said)
    year.doctor.do("DELETE", path)


def _write_to_each_other(year: Year) -> None:
    spot, knee = year.lesions
    for by, lesion, said in (
        (year.person, spot, "question"),
        (year.doctor, spot, "answer"),
        (year.person, knee, "second question"),
    ):
        by.do("POST", f"/conversations/{lesion}/messages", {"text": WORDS[said]})
    path = f"/conversations/{year.person.do('GET', '/me')['_id']}/messages"
    year.person.do("POST", path, {"text": WORDS["question about no spot"]})
    [newest, *_] = year.person.do("GET", f"/conversations/{spot}/messages?order=newest")
    year.person.do("PUT", f"/messages/{newest['_id']}/read")


def _letters(year: Year) -> None:
    grown = year.numbers[1]
    for reader, withdrawn in (("patient", True), ("patient", False), ("colleague", False)):
        draft = year.doctor.do("POST", f"/submissions/{grown}/letters", {"reader": reader})
        path = f"/letters/{draft['_id']}"
        text = {"text": f"{WORDS['letter']}\n\n{draft['text']}"}
        changed = year.doctor.do("PUT", path, {**text, "version": draft["version"]})
        signed = {**text, "version": changed["version"]}
        year.doctor.do("POST", f"{path}/sign", signed)
        if withdrawn:
            year.doctor.do("POST", f"{path}/withdrawal", {"reason": WORDS["withdrawal"]})


def _log_ins(year: Year) -> None:
    backend, person = year.backend, year.person
    for wrong in ("not this one", "nor this one"):
        body = {"email": person.email, "password": wrong}
        assert backend.client.post("/login", json=body).status_code == 401
    backend.client.post("/password/forgotten", json={"email": person.email})
    backend.app.background.run("link-mailer")
    link = year.admin.do("POST", f"/users/{person.email}/password-link")["link"]
    body = {"token": link.rpartition("/")[2], "new_password": NEW_PASSWORD}
    assert backend.client.post("/password/reset", json=body).status_code == 200
    person.password = NEW_PASSWORD


def _last_days(year: Year) -> None:
    person = year.person
    person.log_in()
    _photograph(year, "growing-3", 3, year.lesions[0])
    year.admin.log_in()
    gone = _photograph(year, "small-mole", 4, None, body_site="chest")
    person.do("DELETE", f"/submissions/{gone}")
    year.numbers.remove(gone)
    _second_factor(year)
    year.admin.do("POST", f"/users/{person.email}/password-link")


def _today(year: Year) -> None:
    """Add what is kept for hours or days: sessions, mails, deliveries, a link, a guess, a text."""
    backend, person = year.backend, year.person
    backend.client.post("/login", json={"email": person.email, "password": "not this one"})
    person.log_in()
    body = {"email": person.email, "password": person.password, "refresh": True}
    assert backend.client.post("/login", json=body).status_code == 200
    year.program.do("POST", "/keys/sessions", {"scope": "findings:read"})
    found = _photograph(year, "small-mole", 6, year.lesions[1], checklist="none")
    person.do("GET", f"/submissions/{found}/report.pdf")
    person.do("POST", "/me/file", {"current_password": person.password})
    text = {"text": WORDS["second answer"]}
    year.doctor.do("POST", f"/conversations/{year.lesions[1]}/messages", text)
    backend.client.post("/password/forgotten", json={"email": person.email})
    backend.app.background.run("link-mailer")


def _second_factor(year: Year) -> None:
    password = {"current_password": year.person.password}
    secret = base64.b32decode(year.person.do("POST", "/me/second-factor", password)["secret"])
    body = {"code": code_at(secret, step_of(now()))}
    recovery = year.person.do("POST", "/me/second-factor/confirm", body)["recovery_codes"]
    year.person.do("POST", "/me/second-factor/remove", {**password, "code": recovery[0]})


def _back_up(year: Year, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / f"skinapi-{now():%Y%m%dT%H%M%SZ}.tar"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup_commands, "open_store", lambda _: year.backend.services.store)
        options = argparse.Namespace(file=file, keep=None)
        assert backup_commands.back_up(year.backend.settings, options) == 0
    year.backups.append(file)


def _note_files(year: Year) -> None:
    store = year.backend.services.store
    own = store.collection("submissions").find({"owner": year.account})
    keys = set(itertools.chain.from_iterable(map(_blobs_in, own)))
    for finding in own:
        for report in store.collection("reports").find({"submission": finding["id"]}):
            keys |= _blobs_in(report)
    year.marks.files = {key: _file(year, key) for key in sorted(keys)}


def _file(year: Year, key: str) -> bytes:
    content = year.backend.services.store.blobs.find(key)
    assert content, key
    return content


def _blobs_in(value: object) -> set[str]:
    if isinstance(value, str):
        return {value} if ids.BLOB_KEY.fullmatch(value) else set()
    if isinstance(value, dict):
        return set().union(*map(_blobs_in, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_blobs_in, value))
    return set()
