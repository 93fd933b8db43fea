from pathlib import Path
from typing import Any

import pytest

from tests.findings.prediction.photographer import listed, predicted
from tests.support.backends import Backend
from tests.support.openrouter import KEY, OpenRouter, believe, failing
from tests.support.photos import photo_of

TEMPLATES = {"writer": "template", "model": None, "reason": None}


@pytest.fixture
def given(llm: OpenRouter) -> dict[str, Any]:
    return {"openrouter_api_key": KEY, "openrouter_url": llm.url, "predict_narrative": "llm"}


@pytest.fixture(autouse=True)
def _believed(backend: Backend) -> None:
    believe(backend.services.store)


def test_the_template_writes_unless_the_operator_says_so(
    llm: OpenRouter, given: dict[str, Any], tmp_path: Path
) -> None:
    backend = Backend(tmp_path, **{**given, "predict_narrative": "template"})
    body = predicted(backend.member(consents={"llm": True}))
    assert body["narrative"] == {"source": TEMPLATES}
    assert llm.calls == []
    backend.services.store.close()


def test_the_llm_writes_where_operator_and_owner_agree(backend: Backend, llm: OpenRouter) -> None:
    ada = backend.member()
    assert predicted(ada)["narrative"]["source"]["reason"] == "no_consent"
    assert ada.call("PUT", "/me/consents", json={"llm": True}).status_code == 200
    assert ada.call("GET", "/me").get_json()["consents"] == {"llm": True}
    body = predicted(ada)
    assert body["narrative"]["source"] == {
        "writer": "llm",
        "model": "openai/gpt-4.1-mini",
        "reason": None,
    }
    assert "Melanoma is a cancer of the skin cells" in body["report"]["overview"]
    assert ada.call("GET", "/submissions").get_json()[-1] == listed(body)
    assert ada.call("PUT", "/me/consents", json={"llm": False, "photos": True}).status_code == 200
    later = predicted(ada, photo_of("dermatofibroma"))
    assert later["narrative"]["source"]["reason"] == "no_consent"
    assert len(llm.calls) == 2


def test_no_personal_data_is_sent_to_the_llm(backend: Backend, llm: OpenRouter) -> None:
    ada = backend.member("ada.lovelace@example.org", consents={"llm": True}, name="Ada Lovelace")
    predicted(
        ada, age_band="60-74", sex="female", body_site="genital", fitzpatrick="6", skin_tone="dark"
    )
    whole = " ".join(f"{headers} {sent}" for _, headers, sent in llm.calls).casefold()
    assert len(llm.calls) == 2
    private_words = ("lovelace", "example.org", "60-74", "female", "genital", "untested_skin")
    for private in (*private_words, "image", "base64,"):
        assert private not in whole.replace("image images", "")


def test_an_outage_fails_no_prediction_and_is_told(backend: Backend, llm: OpenRouter) -> None:
    llm.behave = failing(402)
    body = predicted(backend.member(consents={"llm": True}), language="fr")
    assert body["narrative"]["source"] == {**TEMPLATES, "reason": "no_credit"}
    assert body["report"]["overview"].startswith("Il s'agit le plus probablement d'un mélanome.")


def test_words_of_version_1_are_still_shown(backend: Backend) -> None:
    ada = backend.member()
    body = predicted(ada)
    findings = backend.services.store.collection("submissions")
    [row] = findings.find({"id": body["_id"]})
    sections = {**row["sections"], "overview": "Words of an LLM."}
    for source in (
        {"writer": "llm", "model": "openai/gpt-4.1-mini", "reason": None},
        {"writer": "template", "model": None, "reason": "urgency"},  # no reason any more
    ):
        stored = {"narrative_source": source, "sections": sections}
        assert findings.update({"id": body["_id"]}, {"$set": stored})
        [shown] = ada.call("GET", "/submissions").get_json()
        assert shown["narrative"] == {"source": source}
        assert shown["report"]["overview"] == "Words of an LLM."
        assert ada.call("GET", f"/submissions/{body['id']}/report.json").status_code == 200
