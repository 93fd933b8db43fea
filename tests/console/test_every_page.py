"""Every page in a narrow window and with large text: nothing is cut off, axe finds nothing, and at
most one button is put forward.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from skinapi.console.routes import ASSETS
from skinapi.domain.subject import Role
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.storage.ids import new_id
from tests.console.test_lab import SAME, add_version
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import Visitor
from tests.lab.sending import picture, publish_one
from tests.served.people import NO_HASH, Caller, Seeder
from tests.support.size import drill

LONG = "Maria-Magdalena Konstantinopoulou-Wolfeschlegelsteinhausenbergerdorff y Villanue"
FROM_RIGHT = "دكتورة ليلى عبد الرحمن"
PICTURES = "👩🏽‍⚕️ Ada 🌻"
# Pages that no address of `pages_of` opens: they need what another test makes.
ELSEWHERE = {"job", "missing", "parts", "withdrawn"}


class Look(NamedTuple):
    size: tuple[int, int]
    dark: bool
    text: int


# WCAG 1.4.10 and 1.4.4: 1280 px at 400 %, and text twice as large.
NARROW, LARGE = Look((320, 640), dark=True, text=100), Look((640, 900), dark=False, text=200)
LOOKS = [NARROW, LARGE] if drill else [NARROW]


@dataclass(frozen=True)
class Clinic:
    """People whose names are hard to lay out, with their findings, a data set and a model."""

    people: dict[str, Caller]
    findings: list[int]
    spot: str
    dataset: str
    version: str


def add_person(seeder: Seeder, role: Role, name: str) -> Caller:
    identifier = new_id()
    email = f"{role}-{identifier[-12:]}-{'long' * 10}@example.org"
    seeder.accounts.add(
        id=identifier, email=email, name=name, password_hash=NO_HASH, role=role, status="approved"
    )
    return seeder.caller(identifier, email)


@pytest.fixture
def clinic(seeder: Seeder, tmp_path: Path) -> Clinic:
    doctor, admin = add_person(seeder, "doctor", LONG), add_person(seeder, "admin", FROM_RIGHT)
    patients = [add_person(seeder, "user", name) for name in (LONG, FROM_RIGHT, PICTURES)]
    findings = [number for patient in patients for number in treat(seeder, doctor, patient)]
    spots = {one["name"]: one["id"] for one in patients[0].call("GET", "/lesions").json}
    for text in (LONG * 3, FROM_RIGHT, PICTURES, "x" * 300):
        patients[0].call("POST", f"/lesions/{spots[LONG]}/messages", json={"text": text})
    review = {"agreement": "agree", "label": "melanoma", "note": f"{FROM_RIGHT} {'y' * 200}"}
    assert doctor.call("POST", f"/submissions/{findings[1]}/review", json=review).status == 201
    store = seeder.services.store
    image = publish_one(
        Datasets(store), DatasetImages(store), picture(3), owner=admin.id, name=LONG[:60]
    )
    people = {"user": patients[0], "doctor": doctor, "admin": admin}
    version = add_version(seeder, tmp_path, SAME)
    return Clinic(people, findings, spots[LONG], image.dataset, version)


def treat(seeder: Seeder, doctor: Caller, patient: Caller) -> list[int]:
    """Their findings: two of one spot, and one of none."""
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(patient, BACK, LONG)
    begin(patient, {"site": "hand"}, FROM_RIGHT)
    of_spot = [send(patient, key, lesion=spot) for key in ("melanocytic_nevus", "melanoma")]
    return [*of_spot, send(patient, "dermatofibroma", body_site="back")]


def pages_of(clinic: Clinic) -> dict[str, list[str]]:
    """By who opens them; "" is nobody in particular."""
    dataset, spot, version = clinic.dataset, clinic.spot, clinic.version
    first, second = clinic.findings[:2]
    visitor = ["login", "register", "forgotten", "password", "sample", "model", ""]
    user = ["check", f"finding/{first}", f"finding/{second}", f"spot/{spot}", f"visits/{spot}"]
    doctor = [f"case/{first}", f"case/{second}", f"course/{spot}", f"visits/{spot}", "patients"]
    admin = ["usage", "audit", "triage", "server", f"version/{version}"]
    lab = ["datasets", f"dataset/{dataset}", "add", "train", "import", "jobs", "models", "drift"]
    return {
        "": visitor,
        "user": [*user, "account", "spots"],
        "doctor": [*doctor, "outcomes", "queue"],
        "admin": [*admin, f"compare/{version}", *lab, "accounts", "overview"],
    }


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.size[0]}-{look.text}")
def test_no_page_is_wider_than_its_window_or_hard_to_read(
    visitor: Visitor, clinic: Clinic, look: Look, subtests: pytest.Subtests
) -> None:
    visitor.look(look.size, dark=look.dark)
    for role, places in pages_of(clinic).items():
        if role:
            visitor.enter(clinic.people[role], role)
        else:
            visitor.open("/")
        visitor.await_stillness()
        visitor.run(f"document.documentElement.style.fontSize = '{look.text}%'")
        for place in places:
            with subtests.test(f"{role} {place}"):
                visitor.open_view(place)
                visitor.assert_nothing_overflows()
                visitor.assert_accessible()
                visitor.assert_at_most_one_primary()
                if look is NARROW:
                    visitor.assert_frame()


def test_every_view_is_among_them() -> None:
    views = set(re.findall(r'^  "?(\w*)"?: \(\) => import', text_of_main(), re.MULTILINE))
    clinic = Clinic(people={}, findings=[1, 2], spot="s", dataset="d", version="v")
    seen = {place.split("/")[0] for places in pages_of(clinic).values() for place in places}
    assert seen | ELSEWHERE == views
    assert seen & ELSEWHERE == set()


def text_of_main() -> str:
    return ASSETS["main.js"].content.decode()
