"""Reads what the server answers to a client of an archive, and lets others judge it."""

import io
import shutil
import subprocess
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from werkzeug.test import TestResponse

from tests.support.backends import Person

OBJECTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
JSON = "application/dicom+json"


def parts_of(answer: TestResponse) -> list[bytes]:
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.data)
    return [bytes(part.get_payload(decode=True)) for part in message.iter_parts()]


def search(person: Person, path: str = "/dicom/studies", **query: Any) -> list[dict[str, Any]]:
    answer = person.call("GET", path, query_string=query, headers={"Accept": JSON})
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == JSON
    found: list[dict[str, Any]] = answer.get_json(force=True)
    return found


def value_of(found: dict[str, Any], keyword: str) -> Any:
    dataset = Dataset.from_json(found)
    return dataset[keyword].value


def study_of(person: Person) -> str:
    """The UID of the only study that the caller may see."""
    [found] = search(person)
    return str(value_of(found, "StudyInstanceUID"))


def fetch(person: Person, path: str) -> list[Dataset]:
    answer = person.call("GET", path, headers={"Accept": OBJECTS})
    return [dcmread(io.BytesIO(part)) for part in parts_of(answer)]


def tool(name: str, *arguments: str | Path) -> str:
    """What one of Debian's tools for DICOM says. Skips the test where it is not installed."""
    if shutil.which(name) is None:
        package = "dicom3tools" if name == "dciodvfy" else "dcmtk"
        pytest.skip(f"no {name} (Debian: {package})")
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def errors_in(folder: Path, *objects: bytes | Dataset) -> list[str]:
    """What dciodvfy finds wrong in these objects."""
    found = []
    for place, one in enumerate(objects):
        file = folder / f"{place}.dcm"
        if isinstance(one, bytes):
            file.write_bytes(one)
        else:
            one.save_as(file, enforce_file_format=True)
        said = tool("dciodvfy", file).splitlines()
        found += [line for line in said if line.startswith("Error")]
    return found
