"""The numbers of each day: what is counted, how often, and that nothing fails because of it."""

from datetime import timedelta
from typing import Any

import pytest

from skinapi.accounts.admin import usage
from skinapi.base.errors import StoreUnavailable
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, erase
from tests.support.photos import photo_in, photo_of

BLACK = photo_in((0, 0, 0))


def counted(backend: Backend, days: int = 1) -> dict[str, Any]:
    """The counts of today."""
    admin = backend.member(role="admin")
    answer = admin.call("GET", f"/admin/usage?days={days}").get_json()
    assert len(answer["days"]) == days
    today: dict[str, Any] = answer["days"][-1]
    assert today.pop("day") == now().date().isoformat()
    return today


def counts(bands: dict[str, int] | None = None, **numbers: int) -> dict[str, Any]:
    nothing = {"findings": 0, "refused": 0, "accounts": 0, "reports": 0}
    every_band = {**dict.fromkeys((str(band) for band in Band), 0), **(bands or {})}
    return {**nothing, **numbers, "bands": every_band}


def test_what_happens_on_a_day_is_counted_once_and_stays_counted(any_backend: Backend) -> None:
    ada = any_backend.approved("ada@example.org")  # the admin's account is the second one
    body = predicted(ada, key="visit-1")
    for _ in range(2):
        assert predicted(ada, key="visit-1") == body
        assert ada.call("GET", f"/submissions/{body['id']}/report").status_code == 200
    assert send(ada, BLACK).status_code == 422
    expected = counts({body["band"]: 1}, findings=1, refused=1, accounts=2, reports=1)
    assert counted(any_backend) == expected
    erase(any_backend.services, any_backend.account(ada.email))
    assert counted(any_backend) == expected


def test_findings_of_clients_that_keep_nothing_count_too(backend: Backend) -> None:
    ada = backend.member()
    for content, status in ((photo_of("melanoma"), 200), (BLACK, 422)):
        assert send(ada, content, field="file").status_code == status
    assert counted(backend)["findings"] == 1
    assert counted(backend)["refused"] == 1


def test_nothing_fails_because_it_cannot_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(backend.services.store.collection(usage.DAYS), "update", refuse)
    assert backend.register("ada@example.org").token
    assert predicted(backend.member())["id"] == 1
    assert counted(backend) == counts()


def test_each_day_has_numbers_of_its_own_and_days_without_use_are_zero(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for back in (400, 3, 1):
        day = now() - timedelta(days=back)
        monkeypatch.setattr(usage, "now", lambda day=day: day)
        for _ in range(back):
            backend.services.data.usage.add_refused()
    monkeypatch.undo()
    admin = backend.member(role="admin")
    days = admin.call("GET", "/admin/usage?days=5").get_json()["days"]
    assert [day["refused"] for day in days] == [0, 3, 0, 1, 0]
    assert [day["day"] for day in days] == [
        (now() - timedelta(days=back)).date().isoformat() for back in (4, 3, 2, 1, 0)
    ]
    assert len(admin.call("GET", "/admin/usage").get_json()["days"]) == 30


def test_days_are_a_number_up_to_a_year(backend: Backend) -> None:
    admin = backend.member(role="admin")
    for days in ("0", "367", "-1", "x", ""):
        answer = admin.call("GET", f"/admin/usage?days={days}")
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_query")
