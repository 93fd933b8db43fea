"""Each account has a limit, because one report costs as much as many other requests."""

import pytest

from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend

STATED = {"class": "melanoma", "confidence": 80}


@pytest.fixture
def given() -> dict[str, str]:
    return {"rate_renderings": "2/minute, doctor=3/minute"}


def test_drawn_reports_are_limited_and_others_are_not(backend: Backend) -> None:
    ada, other = backend.member(), backend.member()
    number = predicted(ada)["id"]
    page, printed = (f"/submissions/{number}/report.{kind}" for kind in ("html", "pdf"))
    assert ada.call("GET", page).status_code == 200
    assert ada.call("GET", printed).status_code == 200
    refused = ada.call("GET", page)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) <= 60
    pdf = {**STATED, "format": "pdf"}
    assert ada.call("POST", "/generate_report", json=pdf).status_code == 429
    for cheap in (printed, f"/submissions/{number}/report.json"):  # that PDF is stored
        assert ada.call("GET", cheap).status_code == 200
    assert ada.call("POST", "/generate_report", json=STATED).status_code == 200
    assert other.call("POST", "/generate_report", json=pdf).status_code == 200
