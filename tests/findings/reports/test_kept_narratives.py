from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, erase
from tests.support.openrouter import KEY, OpenRouter, believe
from tests.support.photos import photo_of


@pytest.fixture
def given(llm: OpenRouter) -> dict[str, Any]:
    return {"openrouter_api_key": KEY, "openrouter_url": llm.url, "predict_narrative": "llm"}


@pytest.fixture(autouse=True)
def _believed(backend: Backend) -> None:
    believe(backend.services.store)


def kept(backend: Backend) -> list[dict[str, Any]]:
    return backend.services.store.collection("kept_answers").find()


def test_findings_that_read_alike_share_what_is_kept_and_it_names_none_of_them(
    backend: Backend, llm: OpenRouter
) -> None:
    ada, bob = (backend.member(consents={"llm": True}) for _ in range(2))
    hers = predicted(ada, sex="female", age_band="60-74")
    asked = len(llm.calls)
    his = predicted(bob)
    assert his["narrative"]["source"]["writer"] == "llm"
    assert len(llm.calls) == asked, "the same photo, so the same figures"
    [row] = kept(backend)
    accounts = [backend.account(person.email) for person in (ada, bob)]
    private = [*(item.id for item in accounts), ada.email, bob.email, "60-74", "female"]
    stored = [item["id"] for item in backend.services.store.collection("submissions").find()]
    assert hers["id"] != his["id"]
    for one in (*private, *stored):
        assert one not in str(row)


def test_a_deleted_finding_or_account_is_in_nothing_that_stays(backend: Backend) -> None:
    ada = backend.member(consents={"llm": True})
    number = predicted(ada)["id"]
    predicted(ada, photo_of("dermatofibroma"))
    before = kept(backend)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    erase(backend.services, backend.account(ada.email))
    assert kept(backend) == before
    assert list(check_integrity(backend.services)) == []
