"""Who takes over a patient sees what is left to do of that patient, and the admin who gives it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.care.clinic import ROUTINE, file_for, patient_of, review
from tests.care.conversation import Talk
from tests.conftest import store_on
from tests.support.backends import Backend, Person

AWAITED = {"sample": "waiting"}


@pytest.fixture(params=["sqlite", "mongod"])
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    for store in store_on(request, tmp_path):
        yield Backend(tmp_path, store)


def leave_open(talk: Talk, number: int, left: str) -> None:
    """Sign a review of this finding, and leave this open of it."""
    body: dict[str, dict[str, Any]] = {
        "result": AWAITED,
        "photo": {"label": None, "photo_wanted": True},
        "message": {"label": "melanocytic_nevus"},
    }
    review(talk.grey, number, **body[left])
    if left == "message":
        talk.sent(talk.ada, "It bleeds since yesterday.")


def row_of(backend: Backend, person: Person) -> Any:
    [row] = backend.admin().call("GET", f"/accounts?q={person.email}").get_json()
    return row


@pytest.mark.parametrize(
    ("left", "kinds"),
    [
        ("result", {"result": 1, "telling": 1}),
        ("photo", {"photo": 1}),
        ("message", {"answer": 1}),
    ],
)
def test_an_admin_reads_what_is_left_of_a_patient_and_of_those_of_a_doctor(
    clinic: Backend, left: str, kinds: dict[str, int]
) -> None:
    talk = Talk(clinic)
    number = file_for(clinic, talk.ada, ROUTINE, lesion=talk.lesion).number
    other = patient_of(clinic, talk.grey)
    leave_open(talk, number, left)
    work = {"findings": 0, "urgent": 0, "by_kind": kinds}
    assert row_of(clinic, talk.ada)["waiting"] == work
    assert row_of(clinic, talk.grey)["in_care"] == work
    assert "waiting" not in row_of(clinic, other)
