"""The LLM's text is deleted with the finding that it was written for."""

from pathlib import Path
from typing import Any

import pytest

from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person, erase
from tests.support.openrouter import KEY, Call, OpenRouter, well, writing
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
    assert list(backend.services.check_integrity()) == []


def test_words_that_come_after_the_submission_is_gone_are_not_kept(
    backend: Backend, llm: OpenRouter
) -> None:
    ada = backend.member(consents={"llm": True})
    number = predicted(ada)["id"]

    def delete_first(call: Call) -> None:
        backend.services.findings.delete_submission(
            number=str(number), by=backend.account(ada.email).id
        )
        well(call)

    llm.behave = delete_first
    assert ada.call("GET", f"/submissions/{number}/report?lang=fr").status_code == 404
    assert kept(backend) == 0


def test_an_admin_alone_sees_what_was_dropped_and_no_person_in_it(
    backend: Backend, llm: OpenRouter
) -> None:
    def write(call: Call) -> None:
        entries = call.draft()["entries"]
        call.tell(entries=[{**entries[0], "text": "Ada, this is no cancer."}, *entries[1:]])

    llm.behave = writing(write)
    ada, admin = backend.member(consents={"llm": True}), backend.member(role="admin")
    predicted(ada)
    for nobody in (ada, backend.member(role="doctor")):
        assert nobody.call("GET", "/reports/dropped").status_code == 403
    [dropped] = admin.call("GET", "/reports/dropped").get_json()["sentences"]
    assert dropped["reason"] == "checker"
    assert dropped["sentence"] == "Ada, this is no cancer."
    assert dropped["passage"].startswith("Melanoma is a cancer")
    for owned in (ada.email, "submission", "owner"):
        assert owned not in str(backend.stored()["dropped_pairs"])
