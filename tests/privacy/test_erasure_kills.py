from datetime import timedelta
from typing import Any

import pytest

from skinapi.privacy.erasure import service
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.privacy.test_erasure import ASKED
from tests.stores.kills import Kills
from tests.support.backends import Backend, Person, erase_due
from tests.support.size import size

STRIDE = size(13, 1)


@pytest.fixture
def given() -> dict[str, Any]:
    return {"photos": "always"}


def patient(backend: Backend) -> tuple[Person, str]:
    talk = Talk(backend)
    number = predicted(talk.ada, lesion=talk.lesion)["id"]
    talk.ada.call("GET", f"/submissions/{number}/thumbnail")
    talk.sent(talk.ada, "It itches.")
    return talk.ada, backend.account(talk.ada.email).id


def erase(backend: Backend, person: Person) -> None:
    person.call("DELETE", "/me", json=ASKED)
    erase_due(backend)


def test_a_kill_before_any_command_leaves_all_or_an_erasure_that_is_finished_once(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = real_backend
    monkeypatch.setattr(service, "WAITS_FOR", timedelta())  # for the review of the photo
    kills = Kills()
    kills.install(monkeypatch)
    person, account = patient(backend)
    with kills.counted():
        erase(backend, person)
        points = kills.sent
    whole = backend.services.data.receipts.find_newest(account)
    assert whole is not None
    assert whole.complete
    receipts = backend.services.store.collection("erasure_receipts")
    for point in range(0, points, STRIDE):
        person, account = patient(backend)
        with kills.before(point):
            erase(backend, person)
        erase_due(backend)
        found = receipts.find({"account": account})
        if not found:  # nothing has begun
            assert person.call("GET", "/me").status_code == 200
            continue
        receipt = backend.services.data.receipts.find_newest(account)
        assert receipt is not None
        assert (len(found), receipt.complete) == (1, True), f"killed before command {point}"
        # What else was deleted in the moment of the kill may be missing.
        assert receipt.erased["findings"] == whole.erased["findings"]
        named = ("audit", "erasure_receipts", "erased_ids", "guesses")
        kept = backend.stored(but=named)
        assert account not in str(kept), f"killed before command {point}"
