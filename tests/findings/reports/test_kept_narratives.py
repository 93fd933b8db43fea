"""The LLM's text is deleted with the finding that it was written for."""

from pathlib import Path
from typing import Any

import pytest

from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person, erase
from tests.support.openrouter import KEY, Call, OpenRouter, well
from tests.support.photos import photo_of


@pytest.fixture
def given(llm: OpenRouter) -> dict[str, Any]:
    return {"openrouter_api_key": KEY, "openrouter_url": llm.url, "predict_narrative": "llm"}


def kept(backend: Backend) -> int:
    return backend.services.store.collection("narratives").count()


def predict_for_two(backend: Backend, ada: Person, bob: Person) -> tuple[int, int]:
    """The numbers of a finding of each; Ada's in words in both languages."""
    hers, his = predicted(ada)["id"], predicted(bob, photo_of("dermatofibroma"))["id"]
    for language in ("en", "fr"):
        assert ada.call("GET", f"/submissions/{hers}/report?lang={language}").status_code == 200
    assert kept(backend) == 3
    return hers, his


def test_a_deleted_submission_takes_the_words_made_from_it_along(backend: Backend) -> None:
    ada, bob = (backend.member(consents={"llm": True}) for _ in range(2))
    hers, his = predict_for_two(backend, ada, bob)
    assert ada.call("DELETE", f"/submissions/{hers}").status_code == 200
    assert kept(backend) == 1
    assert bob.call("DELETE", f"/submissions/{his}").status_code == 200
    assert kept(backend) == 0


def test_an_erased_account_leaves_no_words_even_where_the_key_is_gone(
    backend: Backend, tmp_path: Path
) -> None:
    ada, bob = (backend.member(consents={"llm": True}) for _ in range(2))
    predict_for_two(backend, ada, bob)
    without_key = Backend(tmp_path, backend.services.store)
    erase(without_key.services, backend.account(ada.email))
    assert kept(backend) == 1
    assert list(backend.services.faults()) == []


def test_words_that_come_after_the_submission_is_gone_are_not_kept(
    backend: Backend, llm: OpenRouter
) -> None:
    ada = backend.member(consents={"llm": True})
    number = predicted(ada)["id"]

    def delete_first(call: Call) -> None:
        backend.services.records.delete_submission(
            number=str(number), by=backend.account(ada.email).id
        )
        well(call)

    llm.behave = delete_first
    assert ada.call("GET", f"/submissions/{number}/report?lang=fr").status_code == 404
    assert kept(backend) == 0
