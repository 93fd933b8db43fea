import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.consents import COMPANY, newest_text
from skinapi.base.languages import LANGUAGES, Language
from skinapi.care.letters import CONSENT, CONSENT_SINCE
from skinapi.findings.records.letters import ADDRESSEES, Addressee
from tests.care.test_letter_texts import MELANOMA, read_page, read_pdf
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend
from tests.support.openrouter import KEY, Behaviour, Call, OpenRouter, failing, hang_up

TOLD: dict[str, Any] = {
    "age": "52",
    "sex": "female",
    "body_site": "back",
    "checklist": "change_in_size,irregular_colour",
}
GOOD = (
    "I have looked at your photo with care, and I do not want to leave you waiting.",
    "The spot could be a melanoma, so a skin specialist should see it this week.",
)
DIFFERS = "I can reassure you that this is not a melanoma."
BY_MODEL = (
    "Drafted by openai/gpt-4.1-mini. Read, changed where needed, and signed by Dr Grace Hopper."
)


def writing(*paragraphs: str) -> Behaviour:
    return lambda call: call.say(json.dumps({"paragraphs": paragraphs}))


@pytest.fixture
def practice(tmp_path: Path, llm: OpenRouter) -> Callable[..., Practice]:
    settings: dict[str, Any] = {"openrouter_api_key": KEY, "openrouter_url": llm.url}
    llm.behave = writing(*GOOD)

    def make(consent: Mapping[str, Any] | None = None, **review: Any) -> Practice:
        at = Practice(Backend(tmp_path, **settings), reviewed=False)
        if consent is None:
            at.agree()
        else:
            assert at.ada.call("PUT", "/me/consents", json=consent).status_code == 200
        at.number = predicted(at.ada, keep_photo="true", **TOLD)["id"]
        at.review(**{"label": MELANOMA, **review})
        return at

    return make


def test_the_text_of_the_consent_says_what_is_sent() -> None:
    assert newest_text(CONSENT).version >= CONSENT_SINCE
    for language in LANGUAGES:
        text = newest_text(CONSENT).text.in_language(language)
        assert {"en": "age group", "fr": "tranche d'âge"}[language] in text
        assert COMPANY in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", ADDRESSEES)
def test_the_facts_and_the_key_words_are_sent_and_no_name(
    practice: Callable[..., Practice], llm: OpenRouter, reader: Addressee, language: Language
) -> None:
    at = practice()
    place = {"site": "back", "laterality": "left"}
    spot = {"place": place, "name": "Omoplate"}
    spot = at.ada.call("POST", "/lesions", json=spot).get_json()
    at.ada.call("PUT", f"/submissions/{at.number}/lesion", json={"lesion": spot["id"]})
    key_words = "Ada Example is afraid; grandmother had one; dr hopper"
    draft = at.draft(reader, language=language, key_words=key_words)
    (_, _, asked), (_, _, read) = llm.calls
    sent = json.loads(json.loads(asked)["messages"][1]["content"])
    also_read = json.loads(json.loads(read)["messages"][1]["content"])
    assert [item for item in sent.items() if item not in also_read.items()] == []
    assert GOOD[1] in {item["text"] for item in also_read["sentences"]}
    expected = {"age_group", "sex", "site", "signs_told", "photographed", "decided"}
    assert sent.keys() == {*expected, "key_words_of_the_doctor"}
    assert "grandmother" in sent["key_words_of_the_doctor"]
    asked = f"{asked}{read}".casefold()
    for name in (
        "ada",
        "example",
        "grace",
        "hopper",
        "omoplate",
        at.ada.email,
        "base64",
        "model's",
    ):
        assert name not in asked, name
    greeting, *body, closing = draft["text"].split("\n\n")
    assert body[-2:] == [*GOOD]
    assert ("Ada Example" in greeting + body[0], "Grace Hopper" in closing) == (True, True)
    assert draft["model"] == "openai/gpt-4.1-mini"
    assert "unwritten" not in draft
    assert at.shown_to(at.doctor) == [draft]
    assert len(llm.calls) == 2, "neither is asked again"


def test_who_has_drafted_it_stands_below_the_letter(practice: Callable[..., Practice]) -> None:
    at = practice()
    draft = at.draft()
    assert "openai" not in draft["text"]
    assert at.sign(draft).get_json()["model"] == "openai/gpt-4.1-mini"
    for text in (read_page(at), read_pdf(at)):
        letter = text.partition("Doctor's letter to the patient")[2]
        assert 0 < letter.index(GOOD[1]) < letter.index("Kind regards") < letter.index(BY_MODEL)


def test_what_differs_is_signed_once_its_doctor_has_looked_at_each(
    practice: Callable[..., Practice], llm: OpenRouter
) -> None:
    at = practice()
    number = "Nine of 10 such spots are found in time."
    llm.behave = writing(GOOD[0], f"{DIFFERS} {number}")
    draft = at.draft()
    assert draft["marked"] == [
        {"sentence": DIFFERS, "differs": ["name", "negation"]},
        {"sentence": number, "differs": ["number"]},
    ]
    for seen in ([], [DIFFERS], [number], [DIFFERS, number[:-1]]):
        refused = at.sign(draft, confirmed=seen)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "letter_unconfirmed")
    assert at.shown_to(at.ada) == []
    assert at.sign(draft, confirmed=[DIFFERS, number]).status_code == 200


def test_the_sentences_are_compared_with_what_counts_now(practice: Callable[..., Practice]) -> None:
    at = practice()
    assert "marked" not in at.draft()
    at.review("melanocytic_nevus", urgency="self_monitoring")
    [shown] = at.shown_to(at.doctor)
    assert shown["text"].count(GOOD[1]) == 1
    assert [item["sentence"] for item in shown["marked"]] == [GOOD[1]]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (failing(402), "no_credit"),
        (failing(401), "key_refused"),
        (hang_up, "unreachable"),
        (writing(), "malformed"),
        (writing("a" * 701), "malformed"),
        (writing("Turned \u202e round."), "malformed"),
        (lambda call: call.say("Dear Ada,"), "malformed"),
    ],
)
def test_a_model_that_has_failed_is_said_and_our_own_draft_stands(
    practice: Callable[..., Practice], llm: OpenRouter, behave: Callable[[Call], None], reason: str
) -> None:
    at = practice()
    llm.behave = behave
    draft = at.draft()
    assert draft["unwritten"] == reason
    assert "model" not in draft
    assert "Thank you for the photo of your spot (back)" in draft["text"]
    assert at.shown_to(at.doctor)[0]["unwritten"] == "not_asked"
    assert at.sign(draft).status_code == 200


@pytest.mark.parametrize(
    "consent", [{}, {"llm": False}, {"llm": True}], ids=["none", "refused", "of an unknown text"]
)
def test_without_consent_to_what_is_sent_nothing_is(
    practice: Callable[..., Practice], llm: OpenRouter, consent: dict[str, Any]
) -> None:
    at = practice(consent=consent)
    draft = at.draft(key_words="slow growth")
    assert draft["unwritten"] == "no_consent"
    assert len(at.change(draft, DIFFERS).get_json()["marked"]) == 1
    assert llm.calls == []


def test_the_letter_to_a_colleague_has_the_facts_the_question_and_the_reason(
    shared_backend: Backend,
) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.number = predicted(at.ada, **TOLD)["id"]
    at.review(MELANOMA)
    text = at.draft("colleague", language="en")["text"]
    for told in (
        "(back)",
        "The patient is a woman, 45–59 years.",
        "Signs that the patient told: change in size, irregular colour.",
        "Would you please examine this lesion",
        "I suspect a melanoma.",
    ):
        assert told in text
