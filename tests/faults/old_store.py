"""Stores as code of another version leaves them, and what their people read there.

That code runs this file itself, with its own tests beside it: so only what both versions have is
used here.
"""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from skinapi.demo.build import build_demo
from skinapi.storage.ids import Clock, now
from skinapi.vision.conditions import Band
from tests.care.clinic import file_for, patient_of
from tests.privacy.year import in_the_past, live_a_year, settings_of_year
from tests.support.backends import Backend, Person, settings_in

STORES = ("demo", "year", "histories")
READ = "read.json"
MOLE, MELANOMA, CARCINOMA = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
SAID: tuple[dict[str, Any], ...] = (
    {"label": MOLE, "certainty": "sure"},
    {"label": MOLE, "certainty": "unsure"},
    {"label": MOLE, "certainty": "sure", "urgency": "referral"},
    {"label": MELANOMA, "certainty": "sure", "told_by": "server"},
    {"label": MELANOMA, "certainty": "sure", "histology": "awaited", "told_by": "server"},
    {"label": CARCINOMA, "certainty": "unsure", "urgency": "referral", "told_by": "server"},
    {"histology_result": MOLE, "histology": "confirmed"},
    {"histology_result": MELANOMA, "histology": "confirmed", "told_by": "server"},
    {"certainty": "unsure", "urgency": "urgent_referral"},
    {"new_picture_wanted": True},
)
SPOTS, DAYS = 60, 40


def settings_of(store: str) -> dict[str, Any]:
    return settings_of_year() if store == "year" else {}


def make_store(store: str, folder: Path) -> None:
    """In a folder that is not there yet; what its people read then is in a file beside it."""
    if store == "demo":
        build_demo(settings_in(folder))
        Clock.set_back = timedelta()
    backend = Backend(folder, **settings_of(store))
    with closing(backend.services.store):
        if store == "year":
            live_a_year(backend, folder / "backups", backups=False)
        if store == "histories":
            live_histories(backend, seed=66)
        read = json.dumps(read_all(backend), indent=1)
    folder.with_suffix(f".{READ}").write_text(read)


def live_histories(backend: Backend, seed: int) -> None:
    """Spots and single findings with random photos and reviews of two doctors, of whom the first is
    in charge and asks the other one; some of what they sign is held back, still or no more.
    """
    chance = random.Random(seed)
    with in_the_past():
        Clock.set_back = timedelta(days=DAYS)
        grey, other = (backend.member(role="doctor") for _ in range(2))
        for _ in range(SPOTS):
            Clock.set_back = timedelta(days=DAYS)
            ada = patient_of(backend, grey)
            place = {"place": {"site": "back"}}
            spots = [ada.call("POST", "/lesions", json=place).get_json()["id"], None]
            numbers: list[int] = []
            for day in sorted(chance.sample(range(DAYS), 8), reverse=True):
                Clock.set_back = timedelta(days=day, hours=1)
                for one in (grey, other):
                    one.token = backend.token_of(backend.account(one.email))
                if not numbers or chance.random() < 0.3:
                    filed = file_for(
                        backend, ada, chance.choice([*Band]), lesion=chance.choice(spots)
                    )
                    numbers.append(filed.number)
                else:
                    sign(backend, grey, other, chance, chance.choice(numbers))


def sign(backend: Backend, grey: Person, other: Person, chance: random.Random, number: int) -> None:
    said, path = {**chance.choice(SAID)}, f"/submissions/{number}"
    if chance.random() < 0.2:
        ask = {"colleague": other.email, "question": "?"}
        assert grey.call("PUT", f"{path}/second-opinion", json=ask).status_code < 300
        said.pop("told_by", None)
        answer = other.call("POST", f"{path}/review", json=said)
    else:
        if said.pop("told_by", None) and chance.random() < 0.7:
            until = now() + timedelta(days=chance.choice([1, 3, 6]))
            said["hold_until"] = until.isoformat()
        elif said.get("label") == MELANOMA:
            said["told_by"] = "server"
        answer = grey.call("POST", f"{path}/review", json=said)
    assert answer.status_code in (201, 422), answer.text


def read_all(backend: Backend) -> dict[str, Any]:
    """Each patient's and each doctor's answers, by who asks and what for."""
    accounts = backend.services.store.collection("accounts").find()
    people = [
        one for one in accounts if one["role"] in ("user", "doctor") and one["status"] == "approved"
    ]
    return {
        f"{one['role']} {one['email']} {path}": answer
        for one in people
        for path, answer in read_as(backend, one["email"])
    }


def read_as(backend: Backend, email: str) -> Iterator[tuple[str, Any]]:
    account = backend.account(email)
    person = Person(backend.client, backend.token_of(account), email)
    doctor = account.role == "doctor"
    lists = ["/queue", "/queue?awaited=result", "/queue?awaited=photo", "/patients"]
    for path in lists if doctor else ["/submissions", "/lesions"]:
        answer = person.pages(path)
        yield path, answer
    shown = person.pages("/queue" if doctor else "/submissions")
    for number in (one["id"] for one in shown):
        for path in (f"/submissions/{number}", f"/submissions/{number}/report.json"):
            yield path, ask(person, path)
        yield f"/submissions/{number}/reviews", person.pages(f"/submissions/{number}/reviews")
    for spot in sorted({one["lesion"] for one in shown if one.get("lesion")}):
        yield f"/lesions/{spot}", ask(person, f"/lesions/{spot}")


def ask(person: Person, path: str) -> Any:
    answer = person.call("GET", path)
    return answer.get_json() if answer.status_code == 200 else answer.status_code


if __name__ == "__main__":
    make_store(sys.argv[2], Path(sys.argv[1]))
