"""Model versions: added, put into service and taken out, deleted."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skinapi.vision.network.model import write_checksums
from tests.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.models import folder_of_run, write_model
from tests.use_cases.use_case import UseCase, acts_on

OVERRIDE = {"override": True, "reason": "a test of kills"}


@dataclass
class Models:
    """A version that is new to the store, and one that was in service before it."""

    root: Person
    version: str
    before: str


Act = Callable[[Backend, Models], object]


@cache
def model() -> Path:
    return write_model(folder_of_run() / "model", "VERSION")


def folder_of(version: str) -> Path:
    """The same network under another version."""
    folder = folder_of_run() / version
    folder.mkdir()
    for path in model().iterdir():
        content = path.read_bytes()
        named = path.suffix == ".json"
        (folder / path.name).write_bytes(
            content.replace(b"VERSION", version.encode()) if named else content
        )
    write_checksums(folder)
    return folder


def none_yet(backend: Backend) -> Models:
    """Only records count here: no model is loaded."""
    backend.services.models.versions._opened = lambda _: None
    names = (f"{letter}-{secrets.token_hex(4)}" for letter in "ba")
    return Models(backend.member(role="admin"), *names)


def a_candidate(backend: Backend) -> Models:
    models = none_yet(backend)
    for version in (models.before, models.version):
        backend.services.models.add(folder=folder_of(version), by="ada")
    assert call("POST", "before", "promote")(backend, models)
    return models


def in_service(backend: Backend) -> Models:
    models = a_candidate(backend)
    call("POST", "version", "promote")(backend, models)
    return models


def a_shadow(backend: Backend) -> Models:
    models = a_candidate(backend)
    call("POST", "version", "shadow")(backend, models)
    return models


def one_that_served(backend: Backend) -> Models:
    models = in_service(backend)
    roll_back(backend, models)
    return models


def add(backend: Backend, models: Models) -> object:
    return backend.services.models.add(folder=folder_of(models.version), by="ada")


@dataclass
class Judged:
    """A patient's finding with its photo, which another version than the one in service made."""

    doctor: Person
    ada: Person
    number: int


def judged_by_another(backend: Backend) -> Judged:
    doctor = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    number = predicted(ada, keep_photo="true")["id"]
    submissions = backend.services.store.collection("submissions")
    (found,) = submissions.find({"number": number})
    finding = {**found["finding"], "model_version": "before"}
    submissions.update({"id": found["id"]}, {"$set": {"finding": finding}})
    return Judged(doctor, ada, number)


def judge_again(_: Backend, judged: Judged) -> object:
    return judged.doctor.call("POST", f"/submissions/{judged.number}/judge-again")


def both_findings(backend: Backend, judged: Judged) -> Any:
    """What the patient has, whether the two name each other, and what the trail says."""
    own = judged.ada.call("GET", "/submissions").get_json()
    old, *new = own
    linked = [(one["again_of"] == old["id"], old["judged_again"] == one["id"]) for one in new]
    return len(own), linked, [acts_on(backend, one["_id"]) for one in own]


def roll_back(_: Backend, models: Models) -> object:
    return models.root.call("POST", "/models/rollback", json={})


def call(method: str, which: str, what: str = "") -> Act:
    def act(_: Backend, models: Models) -> object:
        path = f"/models/{getattr(models, which)}/{what}".rstrip("/")
        body = {"promote": OVERRIDE, "retire": {}}.get(what)
        return models.root.call(method, path, **({} if body is None else {"json": body}))

    return act


def states_and_rows(backend: Backend, models: Models) -> Any:
    """What stands on the page of each version, what the trail says, and whether all files of it can
    be read.
    """
    found = []
    for version in (models.before, models.version):
        shown = models.root.call("GET", f"/models/{version}").get_json()
        moves = [(move["action"], move["reason"]) for move in shown.get("moves", ())]
        stored = backend.services.models.versions.find(version)
        keys = [key for file in (stored.files if stored else ()) for key in file.piece_blobs]
        whole = all(backend.services.store.blobs.find(key) for key in keys)
        found.append((shown.get("state"), moves, bool(keys), whole, acts_on(backend, version)))
    return found


USE_CASES = (
    UseCase("judge again", judged_by_another, judge_again, both_findings),
    UseCase("add a model", none_yet, add, states_and_rows),
    UseCase("promote a model", a_candidate, call("POST", "version", "promote"), states_and_rows),
    UseCase("roll a model back", in_service, roll_back, states_and_rows),
    UseCase("start a shadow", a_candidate, call("POST", "version", "shadow"), states_and_rows),
    UseCase("end a shadow", a_shadow, call("DELETE", "version", "shadow"), states_and_rows),
    UseCase("retire a model", a_candidate, call("POST", "version", "retire"), states_and_rows),
    UseCase("delete a candidate", a_candidate, call("DELETE", "version"), states_and_rows),
    UseCase("delete a model", one_that_served, call("DELETE", "version"), states_and_rows),
)
