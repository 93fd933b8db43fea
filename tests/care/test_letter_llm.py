"""An LLM drafts a letter, where the patient consents. Whatever it writes, only its doctor reads it
before the signature, and what the facts do not support is marked.
"""

import json
import random
from collections import Counter
from typing import Any

import pytest

from skinapi.languages import LANGUAGES
from tests.care.clinic import file_for
from tests.care.letter_drafts import Author, some_finding
from tests.care.test_letters import Practice
from tests.prediction.photographer import predicted
from tests.support.backends import Backend
from tests.support.openrouter import KEY, Behaviour, OpenRouter, failing
from tests.support.size import size

DRAFTS = size(15, 500)
WELL = "Please see a doctor this week, {patient}. The model gives melanoma a probability."


def writing(*paragraphs: str) -> Behaviour:
    return lambda call: call.say(json.dumps({"paragraphs": paragraphs}))


@pytest.fixture
def given(llm: OpenRouter) -> dict[str, Any]:
    llm.behave = writing(WELL)
    return {"openrouter_api_key": KEY, "openrouter_url": llm.url}


@pytest.fixture
def at(backend: Backend) -> Practice:
    practice = Practice(backend, reviewed=False)
    consent(practice)
    return practice


def consent(at: Practice, *, llm: bool = True) -> None:
    assert at.ada.call("PUT", "/me/consents", json={"llm": llm}).status_code == 200


def test_an_llm_drafts_and_names_are_filled_in_here(at: Practice, llm: OpenRouter) -> None:
    draft = at.draft()
    assert draft["source"] == {
        "writer": "llm",
        "model": "openai/gpt-4.1-mini",
        "reason": None,
    }
    assert "Please see a doctor this week, Ada Example." in draft["text"]
    assert draft["text"].endswith("Dr Grace Hopper")
    assert draft["marks"] == []
    ((_, _, sent),) = llm.calls
    for secret in ("Ada", "Hopper", at.ada.email, "data:image"):
        assert secret not in sent
    asked = json.loads(json.loads(sent)["messages"][1]["content"])
    assert (asked["by_when"], asked["decision"]) == ("this week", None)
    assert {"context", "age", "sex"} & asked.keys() == set()


def test_the_reader_and_the_review_are_told(at: Practice, llm: OpenRouter) -> None:
    body = {"label": "melanocytic_nevus", "agreement": "disagree", "note": "Ada is pregnant"}
    path = f"/submissions/{at.number}/review"
    assert at.doctor.call("POST", path, json=body).status_code == 201
    at.draft("colleague", language="fr")
    sent = json.loads(llm.calls[-1][2])
    assert "a colleague, in clinical words" in sent["messages"][0]["content"]
    asked = json.loads(sent["messages"][1]["content"])
    assert asked["decision"]["condition"] == "Naevus mélanocytaire (grain de beauté)"
    assert "pregnant" not in llm.calls[-1][2]


def test_without_consent_the_template_writes_and_says_so(backend: Backend, llm: OpenRouter) -> None:
    at = Practice(backend)
    draft = at.draft()
    assert draft["source"] == {"writer": "template", "model": None, "reason": "no_consent"}
    assert "See a doctor this week" in draft["text"]
    consent(at)
    assert at.draft()["source"]["writer"] == "llm"
    consent(at, llm=False)
    assert at.draft()["source"]["reason"] == "no_consent"
    assert len(llm.calls) == 1


def test_a_consent_that_is_withdrawn_while_the_llm_writes_counts(
    at: Practice, llm: OpenRouter
) -> None:
    def withdrawn_meanwhile(call: Any) -> Any:
        consent(at, llm=False)
        return writing(WELL)(call)

    llm.behave = withdrawn_meanwhile
    draft = at.draft()
    assert draft["source"] == {"writer": "template", "model": None, "reason": "no_consent"}
    assert WELL.partition(",")[0] not in draft["text"]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (failing(401), "key_refused"),
        (lambda call: call.say("Dear Ada,"), "malformed"),
        (writing(), "malformed"),
        (writing("bell\a"), "malformed"),
        (writing("no \u202emelanoma"), "malformed"),
        (writing(*["n" * 3000] * 2), "too_large"),
    ],
)
def test_what_cannot_be_used_ends_in_the_template(
    at: Practice, llm: OpenRouter, behave: Behaviour, reason: str
) -> None:
    llm.behave = behave
    draft = at.draft()
    assert (draft["source"]["writer"], draft["source"]["reason"]) == ("template", reason)
    assert draft["marks"] == []


def test_nothing_is_asked_where_no_letter_can_be_kept(
    at: Practice, llm: OpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.records.letters.MOST_LETTERS", 0)
    answer = at.doctor.call("POST", at.letters, json={"reader": "patient"})
    assert answer.get_json()["code"] == "too_many_letters"
    assert llm.calls == []


def test_of_many_drafts_each_wrong_sentence_is_marked_and_none_is_read_unsigned(
    at: Practice, llm: OpenRouter
) -> None:
    chance, counted = random.Random(11), Counter[str]()
    for _ in range(DRAFTS):
        finding, language = some_finding(chance), chance.choice(LANGUAGES)
        number = file_for(at.backend, at.ada, finding.band, finding=finding).number
        draft = Author(finding, language, chance).write()
        llm.behave = writing(*draft.paragraphs)
        path = f"/submissions/{number}/letters"
        body = {"reader": chance.choice(["patient", "colleague"]), "language": language}
        answer = at.doctor.call("POST", path, json=body).get_json()
        assert answer["source"]["writer"] == "llm", answer
        marked = {mark["sentence"] for mark in answer["marks"]}
        for sentence in draft.sentences:
            said = sentence.text.format(patient="Ada Example", doctor="Dr Grace Hopper")
            counted[sentence.wrong or "right"] += 1
            assert (said in marked) == bool(sentence.wrong), (said, sentence.wrong, answer["marks"])
        sent = {"text": answer["text"], "version": answer["version"]}
        refused = at.doctor.call("POST", f"/letters/{answer['_id']}/sign", json=sent)
        assert refused.status_code == 409
        assert at.ada.call("GET", path).get_json() == []
        report = at.ada.call("GET", f"/submissions/{number}/report.json").get_json()
        assert report["letters"] == []
    print(f"{DRAFTS} drafts, seed 11: {dict(counted)}")  # noqa: T201 (with -s)


def test_the_earlier_findings_of_the_spot_are_told_by_their_age_alone(
    at: Practice, llm: OpenRouter
) -> None:
    spot = at.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first, second = (predicted(at.ada, lesion=spot)["id"] for _ in range(2))
    told = []
    for number in (second, first):
        at.doctor.call("POST", f"/submissions/{number}/letters", json={"reader": "patient"})
        asked = json.loads(json.loads(llm.calls[-1][2])["messages"][1]["content"])
        told.append(asked["earlier_findings_of_this_spot"])
    said = "Most likely a melanoma."
    assert told == [[{"days_before": 0, "headline": said}], []]
