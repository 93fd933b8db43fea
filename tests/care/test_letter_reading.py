import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.consents import newest_text
from skinapi.base.languages import LANGUAGES, Language
from skinapi.care.letter_drafts import hide_names
from skinapi.care.letter_reading import KNOWN, hide_known, judge
from tests.care.test_letter_texts import MELANOMA
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend
from tests.support.openrouter import KEY, Behaviour, Call, OpenRouter, failing

HOLIDAY = "You can go on holiday first, and let us see how it looks after Christmas."
SPECIALIST = "The specialist will look at it through a lens with a light."
WHY = "It puts off a visit of this week."


def reading(
    *wrong: str, gullible: bool = False, paragraphs: Sequence[str] = (SPECIALIST,)
) -> Behaviour:
    known = {
        item for words in KNOWN.values() for item in (*words.adds, *words.sent, *words.not_sent)
    }

    def verdict(item: Mapping[str, Any]) -> dict[str, Any]:
        bad = item["text"] in {*wrong, *known} and not gullible
        says, why = ("contradicts", WHY) if bad else ("agrees", "")
        return {"sentence": item["sentence"], "says": says, "why": why}

    def behave(call: Call) -> None:
        if call.body["response_format"]["json_schema"]["name"] != "letter_reading":
            return call.say(json.dumps({"paragraphs": paragraphs}))
        return call.say(json.dumps({"verdicts": [*map(verdict, call.sent["sentences"])]}))

    return behave


@pytest.fixture(params=["sqlite", "mongod"])
def practice(
    request: pytest.FixtureRequest, tmp_path: Path, llm: OpenRouter
) -> Callable[..., Practice]:
    uri = request.getfixturevalue("mongo_uri") if request.param == "mongod" else None
    settings: dict[str, Any] = {"openrouter_api_key": KEY, "openrouter_url": llm.url}

    def make(*, consent: bool = True, **told: Any) -> Practice:
        given = {"database_uri": uri} if uri else {}
        at = Practice(Backend(tmp_path, **settings, **given), reviewed=False)
        at.agree(llm=consent)
        at.number = predicted(at.ada, keep_photo="true", **told)["id"]
        at.review(MELANOMA)
        return at

    return make


def marks(draft: dict[str, Any]) -> list[tuple[str, list[str], str | None]]:
    return [
        (item["sentence"], item["differs"], item.get("why")) for item in draft.get("marked", ())
    ]


def test_what_the_second_model_finds_is_marked_in_its_words_and_asked_once(
    practice: Callable[..., Practice], llm: OpenRouter
) -> None:
    at, llm.behave = practice(), reading(HOLIDAY)
    draft = at.draft()
    assert marks(draft) == []
    asked = len(llm.calls)
    changed = at.change(draft, f"{draft['text']}\n\n{HOLIDAY}").get_json()
    assert marks(changed) == [(HOLIDAY, ["contradicts"], WHY)]
    assert at.shown_to(at.doctor)[0]["marked"] == changed["marked"]
    assert len(llm.calls) == asked + 1
    sent = json.loads(json.loads(llm.calls[-1][2])["messages"][1]["content"])
    assert SPECIALIST not in {item["text"] for item in sent["sentences"]}
    assert at.sign(changed, confirmed=[]).get_json()["code"] == "letter_unconfirmed"
    assert at.sign(changed, confirmed=[HOLIDAY]).status_code == 200
    assert len(llm.calls) == asked + 1, "signing asks nothing again"


def test_a_sentence_that_is_new_at_signing_is_read_before_it_is_signed(
    practice: Callable[..., Practice], llm: OpenRouter
) -> None:
    at, llm.behave = practice(), reading(HOLIDAY)
    draft = at.draft()
    text = f"{draft['text']}\n\n{HOLIDAY}"
    assert at.sign(draft, text, confirmed=[]).get_json()["code"] == "letter_unconfirmed"
    asked = len(llm.calls)
    assert at.sign(draft, text, confirmed=[HOLIDAY]).status_code == 200
    assert len(llm.calls) == asked
    [stored] = at.backend.stored()["letters"]
    assert "read" not in stored or stored["read"] == []


def test_another_decision_has_each_sentence_read_anew(
    practice: Callable[..., Practice], llm: OpenRouter
) -> None:
    at, llm.behave = practice(), reading()
    draft = at.draft()
    at.review(MELANOMA, urgency="referral")
    asked = len(llm.calls)
    at.change(draft, draft["text"])
    assert len(llm.calls) == asked + 1


@pytest.mark.parametrize(
    "behave", [failing(503), reading(gullible=True), lambda call: call.say("{}")]
)
def test_lists_of_words_stand_while_the_second_model_is_down_or_not_believed(
    practice: Callable[..., Practice], llm: OpenRouter, behave: Behaviour
) -> None:
    at, llm.behave = practice(), reading()
    draft = at.draft()
    llm.behave = behave
    wrong = "I can reassure you that this is not a melanoma."
    changed = at.change(draft, f"{wrong} {HOLIDAY}").get_json()
    assert marks(changed) == [(wrong, ["name", "negation"], None)]


def test_a_model_without_a_good_record_reads_no_letter(tmp_path: Path, llm: OpenRouter) -> None:
    llm.behave = reading(HOLIDAY)
    backend = Backend(tmp_path, openrouter_api_key=KEY, openrouter_url=llm.url)
    at = Practice(backend, reviewed=False)
    agreed = {"llm": True, "texts": {"llm": newest_text("llm").version}, "language": "en"}
    assert at.ada.call("PUT", "/me/consents", json=agreed).status_code == 200
    at.review(MELANOMA)
    assert marks(at.change(at.draft(), HOLIDAY).get_json()) == []
    assert [
        json.loads(item[2])["response_format"]["json_schema"]["name"] for item in llm.calls
    ] == ["letter"]


def test_the_doctors_key_words_are_said(practice: Callable[..., Practice], llm: OpenRouter) -> None:
    at, llm.behave = practice(consent=False), reading()
    key_words = "Breslow 0.4 mm; re-excision 1 cm; no lymph nodes"
    for reader in ("patient", "colleague"):
        draft = at.draft(reader, key_words=key_words)
        assert f"\n\nMy notes: {key_words}\n\n" in draft["text"]
        changed = at.change(draft, "It is 0.4 mm deep, and 1 cm more is taken.").get_json()
        assert marks(changed) == []
        other = at.change(changed, "It is 4 mm deep.").get_json()
        assert [item[1] for item in marks(other)] == [["number"]]


def test_the_other_side_and_the_other_sex_are_marked_without_a_model(
    practice: Callable[..., Practice],
) -> None:
    told: dict[str, Any] = {
        "sex": "male",
        "body_site": "upper_extremity",
        "body_laterality": "left",
    }
    at = practice(consent=False, **told)
    draft = at.draft("colleague", language="en")
    wrong = ["It is on the right arm.", "This woman is afraid."]
    changed = at.change(draft, f"{' '.join(wrong)} He has it on his left arm.").get_json()
    assert marks(changed) == [(item, ["fact"], None) for item in wrong]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("petit nodule blanc, pas claire; Petit saignement", None),
        ("Mme Petit est inquiète", "Mme … est inquiète"),
        ("Jeanne Petit a peur, jeanne aussi", "… a peur, … aussi"),
        ("vue avec Petit et dr morel", "vue avec … et dr …"),
        ("blue-white veil, brown; White patch", None),
        ("Mrs White and Mr brown, dr White", "Mrs … and Mr …, dr …"),
    ],
)
def test_a_name_is_taken_out_where_it_is_written_as_one(said: str, sent: str | None) -> None:
    names = ("Jeanne Petit", "Dr Claire Morel", "Alba White", "Tom Brown")
    assert hide_names({"said": [said]}, names) == {"said": [sent or said]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sent", [True, False])
def test_a_model_that_agrees_with_all_or_with_nothing_is_not_believed(
    language: Language, sent: bool
) -> None:
    draw = random.Random(7)
    for says in ("agrees", "adds"):
        for _ in range(50):
            shown = hide_known(["A.", "B."], language, sent=sent, draw=draw)
            told = [{"sentence": at, "says": says} for at in range(1, len(shown) + 1)]
            assert not all(judge(shown, json.dumps({"verdicts": told})).known)


def test_what_is_known_in_letters_counts_for_the_models_record(
    practice: Callable[..., Practice], llm: OpenRouter
) -> None:
    at, llm.behave = practice(), reading()
    draft = at.draft()

    def right() -> list[bool]:
        stored = at.backend.stored()["checker_records"]
        return next(item["right"] for item in stored if item["language"] == "en")

    before = right()
    at.change(draft, HOLIDAY)
    assert right() == [*before, True, True, True]
    llm.behave = reading(gullible=True)
    at.change(at.shown_to(at.doctor)[0], f"{HOLIDAY} Good evening.")
    assert right().count(False) == 2
