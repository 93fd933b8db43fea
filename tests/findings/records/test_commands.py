"""How many commands a request costs on MongoDB: each of them is a way to the server and back."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.app import application as app
from skinapi.platform.web.mongo_limit_windows import MongoWindows
from skinapi.platform.web.rate_limits import Limits
from tests.findings.prediction.photographer import predicted
from tests.stores.mongo_commands import Commands, noted_commands
from tests.support.backends import Backend, Person, store_of_kind


@pytest.fixture
def commands() -> Iterator[Commands]:
    with noted_commands() as commands:
        yield commands


@pytest.fixture
def counted(
    commands: Commands, tmp_path: Path, emptied_database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    """A backend on MongoDB as it is served: with its limits, and a thread for totals."""
    store = store_of_kind("mongod", tmp_path, emptied_database_uri)
    windows = MongoWindows(emptied_database_uri)
    monkeypatch.setattr(app, "open_limits", lambda _, __, rates: Limits(windows, rates))
    backend = Backend(tmp_path, store)
    totals = backend.services.data.totals
    totals.every_s = 3600
    totals.start()
    with closing(windows), closing(store):
        yield backend
        totals.stop()


READ = {"find accounts": 1, "find sessions": 1, "findAndModify limit_windows": 1}


# Sent once for a block of numbers.
NUMBERS = "findAndModify counters"


def test_a_finding_costs_six_commands_beside_its_two_limits(
    counted: Backend, commands: Commands
) -> None:
    doctor = counted.member(role="doctor")
    ada = counted.member(doctor_id=counted.account(doctor.email).id)
    # The consent for this photo alone is noted.
    kept = {"insert fs.chunks": 1, "insert fs.files": 1, "insert consents": 1}
    predicted(ada, keep_photo="true")  # makes what is made once
    for photo in ({}, kept):
        commands.sent.clear()
        predicted(ada, keep_photo="true" if photo else "false")
        del commands.sent[NUMBERS]
        assert commands.sent == {
            **READ,
            **photo,
            "findAndModify limit_windows": 2,
            "find accounts": 3,  # who will look at it, too
            "findAndModify accounts": 1,
            "insert submissions": 1,
            "insert audit": 1,
            "commitTransaction": 1,
        }


def test_a_request_reads_its_account_and_session_once(counted: Backend, commands: Commands) -> None:
    doctor = counted.member(role="doctor")
    ada = counted.member(doctor_id=counted.account(doctor.email).id)
    predicted(ada)
    assert doctor.call("GET", "/queue").status_code == 200
    finding, reviews = {"find submissions": 1}, {"find reviews": 1}
    its_doctor = {"find accounts": 2}
    its_owner = {"find accounts": 2, **finding}
    assert sent_by(commands, ada, "/me") == {**READ, **its_doctor}
    assert sent_by(commands, ada, "/me/sessions") == {**READ, "find sessions": 2}
    assert sent_by(commands, ada, "/submissions") == {**READ, **finding, **reviews}
    its_model = {"find serving": 1}
    who_looks = {"find accounts": 2}
    own = {**READ, **finding, **reviews, **its_model, **who_looks}
    assert sent_by(commands, ada, "/submissions/1") == own
    assert sent_by(commands, ada, "/submissions/1/reviews") == {**READ, **finding, **reviews}
    noted = {"find audit": 1}  # that the doctor reads this patient's record
    opinions_and_own = {"find submissions": 3}  # that have come, that are asked for
    assert sent_by(commands, doctor, "/queue") == {
        **READ,
        **its_owner,
        **opinions_and_own,
        **reviews,
        **noted,
    }
    assert sent_by(commands, doctor, "/submissions/1") == {
        **READ,
        **its_owner,
        **reviews,
        **its_model,
        **noted,
        "find accounts": 3,  # who will look at it, too
    }


def sent_by(commands: Commands, person: Person, path: str) -> Counter[str]:
    commands.sent.clear()
    assert person.call("GET", path).status_code == 200
    return commands.sent
