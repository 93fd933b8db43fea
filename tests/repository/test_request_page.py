"""docs/requests.md tells what a log-in, an approval and a review pass: real requests are followed,
and compared with it.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from skinapi.vision.conditions import Band
from tests.care.clinic import file_for, patient_in_care
from tests.repository.documents import PAGES
from tests.repository.tracing import traced
from tests.support.backends import MAIL, PASSWORD, Backend

ADA = "ada@example.org"
Act = Callable[[], TestResponse]
# What each request passes, and what says only what a value is.
SHARED = (
    "web/",
    "storage/",
    "domain/caller_addresses.py",
    "errors.py",
    "json_bounds.py",
    "logs.py",
)
VALUES = (
    "vision/",
    "stored_record.py",
    "records/decisions.py",
    "records/due_days.py",
    "records/instructions.py",
    "records/opinions.py",
    "records/queue_keys.py",
    "records/standing.py",
    "records/submission.py",
)


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path, **MAIL)


def log_in(backend: Backend) -> Act:
    backend.member(ADA)
    body = {"email": ADA, "password": PASSWORD}
    return lambda: backend.client.post("/login", json=body)


def approve(backend: Backend) -> Act:
    root = backend.admin()
    backend.register(ADA)
    return lambda: root.call("PATCH", f"/users/{ADA}/approve", json={})


def review(backend: Backend) -> Act:
    doctor, patient = patient_in_care(backend)
    number = file_for(backend, patient, Band.URGENT_REFERRAL).number
    body = {"label": "melanoma", "certainty": "sure", "told_by": "server"}
    return lambda: doctor.call("POST", f"/submissions/{number}/review", json=body)


@pytest.mark.parametrize(
    ("heading", "prepare", "most"),
    [("A log-in", log_in, 10), ("An approval", approve, 10), ("A review", review, 16)],
)
def test_the_page_names_the_modules_in_the_order_of_their_calls(
    backend: Backend, heading: str, prepare: Callable[[Backend], Act], most: int
) -> None:
    act = prepare(backend)
    with traced(after="admit_request") as called:
        answer = act()
    assert answer.status_code in (200, 201), answer.text
    section = PAGES["docs/requests.md"].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\S+\.py)` \|", section, re.MULTILINE)
    assert [one for one in called if not one.startswith((*SHARED, *VALUES))] == named
    assert len(named) <= most
