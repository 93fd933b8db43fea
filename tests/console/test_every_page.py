"""Opens every page of every role in a narrow window and with large text. The themes alternate from
page to page; the drill opens every page in both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from skinapi.app.areas import list_areas
from skinapi.base.area_parts import list_parts
from skinapi.base.subject import Role
from skinapi.console.routes import ASSETS
from skinapi.model.registry.serving_pointer import PointerChange, ServingPointer
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ids import new_id, now
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.server import Server
from tests.support.backends import PASSWORD_HASH
from tests.support.reviews import sign_review
from tests.support.size import drill

LONG = "Maria-Magdalena Konstantinopoulou-Wolfeschlegelsteinhausenbergerdorff y Villanue"
FROM_RIGHT = "دكتورة ليلى عبد الرحمن"
PICTURES = "👩🏽‍⚕️ Ada 🌻"
# WCAG 1.4.10 and 1.4.4: 1280 px at 400 %, and text twice as large.
NARROW, LARGE, TWICE = (320, 640), (640, 900), "200%"
# A number with two decimals; a version with three parts is a name.
FINE = re.compile(r"(?<![\d.])\d+[.]\d\d(?![\d.])")
PRIMARY_DOWNLOAD = "main .primary[download], main .primary[href$='.pdf']"
# People who evaluate models read figures on a scale from 0 to 1.
FINE_ON = {"model", "version"}
# Parts of a page that a key opens, with the element that is then there.
OPENED = {
    "letter": ("l", "[name=letter]"),
    "opinion": ("s", "[name=colleague]"),
    "help": ("?", ".help .card"),
}


@dataclass(frozen=True)
class Clinic:
    people: dict[str, Caller]
    findings: list[int]
    spot: str
    dataset: str
    version: str
    job: str


def withdraw_version(seeder: Seeder, *findings: int) -> None:
    store = seeder.services.store
    documents = store.collection("submissions")
    for number in findings:
        [found] = documents.find({"number": number}, limit=1)
        finding = {**found["finding"], "model_version": "gone-1"}
        documents.update({"id": found["id"]}, {"$set": {"finding": finding}})
    # Another test may have moved the pointer of this server.
    pointer = ServingPointer(store)
    before = pointer.read()
    if "gone-1" not in before.withdrawn:
        move = PointerChange(
            action="rollback", version=before.version, previous="gone-1", by="-", changed_at=now()
        )
        pointer.move(before, move, earlier=before.earlier)


def add_person(seeder: Seeder, role: Role, name: str) -> Caller:
    identifier = new_id()
    email = f"{role}-{identifier[-12:]}-{'long' * 10}@example.org"
    seeder.accounts.add(
        id=identifier,
        email=email,
        name=name,
        password_hash=PASSWORD_HASH,
        role=role,
        status="approved",
    )
    return seeder.caller(identifier, email)


@pytest.fixture(scope="module")
def clinic(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    seeder = Seeder(server)
    jobs = Jobs(seeder.services.store)
    doctor, admin = add_person(seeder, "doctor", LONG), add_person(seeder, "admin", FROM_RIGHT)
    researcher = add_person(seeder, "researcher", PICTURES)
    patients = [add_person(seeder, "user", name) for name in (LONG, FROM_RIGHT, PICTURES)]
    findings = [number for patient in patients for number in treat(seeder, doctor, patient)]
    spots = {item["name"]: item["id"] for item in patients[0].call("GET", "/lesions").json}
    for text in (LONG * 3, FROM_RIGHT, PICTURES, "x" * 300):
        patients[0].call("POST", f"/conversations/{spots[LONG]}/messages", json={"text": text})
    review = {"certainty": "sure", "label": "melanoma", "note": f"{FROM_RIGHT} {'y' * 200}"}
    assert sign_review(doctor, findings[1], review).status == 201
    people = {"user": patients[0], "doctor": doctor, "admin": admin, "researcher": researcher}
    folder, dataset, version = tmp_path_factory.mktemp("version"), "", ""
    for area in list_parts("console_pages", "tests"):
        dataset, version = area.make(seeder, admin, folder, LONG[:60])
    withdraw_version(seeder, findings[2])
    leave_without_doctor(seeder, add_person(seeder, "user", LONG))
    asked = {"upload": "u", "labels": ["mel"], "scaling": "caffe", "side": None, "licence": LONG}
    job = seeder.services.jobs.submit(kind="import", owner=admin.id, request=asked)
    yield Clinic(people, findings, spots[LONG], dataset, version, job.id)
    jobs.forget(admin.id)
    seeder.close()


def leave_without_doctor(seeder: Seeder, patient: Caller) -> None:
    """The list of accounts has only the e-mail of a suspended doctor."""
    gone = add_person(seeder, "doctor", LONG)
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=gone.email, by="admin")
    accounts = seeder.services.store.collection("accounts")
    accounts.update({"id": gone.id}, {"$set": {"status": "suspended"}})


def treat(seeder: Seeder, doctor: Caller, patient: Caller) -> list[int]:
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(patient, BACK, LONG)
    begin(patient, {"site": "hand"}, FROM_RIGHT)
    of_spot = [send(patient, key, lesion=spot) for key in ("melanocytic_nevus", "melanoma")]
    return [*of_spot, send(patient, "dermatofibroma", body_site="back")]


def pages_of(clinic: Clinic) -> dict[str, list[str]]:
    """Return the pages by the role that opens them ("" is anyone). A selector after a blank is
    opened.
    """
    dataset, spot, version = clinic.dataset, clinic.spot, clinic.version
    first, second = clinic.findings[:2]
    forms = ["login", "register", "forgotten", "password"]
    visitor = [*forms, "waiting", "sample", "model", "nothing", ""]
    user = ["check", f"finding/{first}", f"finding/{second}", f"spot/{spot}", f"visits/{spot}"]
    case = [f"case/{first}", f"case/{first} help", f"case/{first} opinion"]
    other = [f"case/{second}", f"case/{second} letter"]
    doctor = [*case, *other, f"course/{spot}", f"visits/{spot}"]
    admin = ["audit", "triage", f"version/{version}"]
    lab = ["datasets", f"dataset/{dataset}", "add", "train", "jobs", f"job/{clinic.job}"]
    sections = [f"integrations/{name}" for name in ("log_in", "archive", "webhooks")]
    sections += [f"data-protection/{name}" for name in ("retention", "erasures")]
    desk = ["integrations", *sections, ACCOUNTS, "overview"]
    return {
        "": visitor,
        "user": [*user, "messages", "account", "my-data", "keys", "spots"],
        "doctor": [*doctor, TO_TELL, "patients", "outcomes", "account", "queue"],
        "researcher": [*lab[1:], "models", "account", "datasets"],
        "admin": [*admin, *lab, "models", "account", *desk],
    }


# With the choices of an account.
ACCOUNTS = "accounts?status=approved"
TO_TELL = "queue?list=telling"
# The way back from the clinic's log-in.
ELSEWHERE = {"back"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ["", "user", "doctor", "researcher", "admin"])
def test_no_page_is_hard_to_read_or_does_anything_by_a_choice_alone(
    visitor: Visitor, clinic: Clinic, role: str, subtests: pytest.Subtests
) -> None:
    visitor.look(NARROW)
    if role:
        visitor.enter(clinic.people[role], role)
    else:
        visitor.open("/")
    visitor.await_stillness()
    pages = pages_of(clinic)[role]
    for index, page in enumerate(pages):
        with subtests.test(f"{role} {page}"):
            place, _, opened = page.partition(" ")
            open_page(visitor, place, opened)
            for dark in (False, True) if drill else (index % 2 == 0,):
                visitor.look(NARROW, dark=dark)
                visitor.assert_accessible()
            visitor.assert_nothing_overflows()
            visitor.assert_at_most_one_primary()
            visitor.assert_frame()
            if place.split("/")[0] not in FINE_ON:
                assert FINE.findall(visitor.text()) == []
            assert role not in ("", "user") or visitor.count(PRIMARY_DOWNLOAD) == 0
            if drill:
                enlarge(visitor)
            if not any(other.startswith(f"{place} ") for other in pages[index + 1 :]):
                assert_nothing_is_done_by_a_choice(visitor)


def open_page(visitor: Visitor, place: str, opened: str) -> None:
    if opened:
        # The case is there already.
        key, sign = OPENED[opened]
        visitor.keys(key)
        visitor.find(sign)
        visitor.await_stillness()
    else:
        visitor.open_view(place)


def enlarge(visitor: Visitor) -> None:
    size = "document.documentElement.style.fontSize = arguments[0]"
    visitor.run(size, TWICE)
    visitor.look(LARGE)
    try:
        visitor.assert_nothing_overflows()
        visitor.assert_accessible()
    finally:
        visitor.run(size, "")
        visitor.look(NARROW)


# An arrow key in a list chooses, which may not yet do anything.
CHOOSE_ALL = """
const sent = [], send = window.fetch, answer = arguments[0], place = location.hash;
window.fetch = (path, options = {}) => {
  if ((options.method ?? "GET") !== "GET") sent.push(`${options.method} ${path}`);
  return send(path, options);
};
const pause = () => new Promise((go) => setTimeout(go, 10));
const all = "main :is(select, input[type=radio]):enabled";
// A filter closes what is managed below it: it comes last.
const choices = () => [...new Set(
  ["main .managed select", all].flatMap((one) => [...document.querySelectorAll(one)]))];
(async () => {
  document.querySelector(".accounts .manage")?.click();
  await pause();
  const met = choices().length;
  for (let at = 0; at < choices().length; at++) {
    const choice = choices()[at];
    const radio = choice.type === "radio";
    if (radio) choice.click();
    for (const next of radio ? [] : [...choice.options].slice(-3).reverse()) {
      next.selected = true;
      choice.dispatchEvent(new Event("change", { bubbles: true }));
      await pause();
    }
    if (location.hash !== place) location.hash = place;
    await pause();
  }
  window.fetch = send;
  answer([met, sent.filter((one) => !one.includes("/read"))]);
})();
"""


def assert_nothing_is_done_by_a_choice(visitor: Visitor) -> None:
    place = visitor.run("return location.hash")
    met, sent = visitor.run_async(CHOOSE_ALL)
    assert sent == [], place
    assert ACCOUNTS not in place or met > 1, "the choices of an account too"


def test_every_view_is_among_them() -> None:
    views = set(re.findall(r'^  "?([\w-]*)"?: \(\) => import', text_of_main(), re.MULTILINE))
    views |= {view for area in list_areas() for view in area.console.views}
    clinic = Clinic({}, findings=[1, 2], spot="s", dataset="d", version="v", job="j")
    pages = [page for pages in pages_of(clinic).values() for page in pages]
    seen = {re.split("[ /?]", page)[0] for page in pages} - {"nothing"}
    assert seen | ELSEWHERE | {"missing"} == views
    assert seen & ELSEWHERE == set()


def text_of_main() -> str:
    return ASSETS["main.js"].content.decode()
