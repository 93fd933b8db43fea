import io
import json
import zipfile
from pathlib import Path
from typing import Any

from skinapi.app.composition.person_data import open_file_maker
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.privacy.person_file.making import DATA
from tests.support.backends import PASSWORD, Backend, Person

ASKED = {"current_password": PASSWORD}


def ask(person: Person) -> None:
    answer = person.call("POST", "/me/file", json=ASKED)
    assert answer.status_code == 202, answer.text


def job_of(backend: Backend, person: Person) -> Job:
    owner = backend.account(person.email).id
    found = backend.services.store.collection("jobs").find({"owner": owner}, sort="-place")
    return next(Job.model_validate(record) for record in found if record["kind"] == PERSON_FILE)


def make(backend: Backend, person: Person, folder: Path) -> int:
    folder.mkdir(exist_ok=True)
    return backend.services.container.build(open_file_maker).make(
        account=backend.account(person.email),
        file=str(job_of(backend, person).request["file"]),
        folder=folder,
        progress=lambda *_: None,
    )


def fetch(person: Person) -> zipfile.ZipFile:
    answer = person.call("POST", "/me/file/download")
    assert answer.status_code == 200, answer.text
    assert answer.content_length == len(answer.data)
    return zipfile.ZipFile(io.BytesIO(answer.data))


def made_for(backend: Backend, person: Person, folder: Path) -> zipfile.ZipFile:
    ask(person)
    make(backend, person, folder)
    return fetch(person)


def read(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read(DATA))


def bytes_of(archive: zipfile.ZipFile) -> bytes:
    return b"\n".join(archive.read(name) for name in archive.namelist())


def state_of(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = person.call_ok("GET", "/me/file")
    return told
