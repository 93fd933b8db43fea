from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.registry.prediction_pool import ServedModel
from tests.findings.prediction import test_several_pictures as several
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, Person
from tests.support.channels import CHANNELS, READERS
from tests.support.models import asking_model, served_once
from tests.support.photos import LIKE_NO_SKIN, NO_SKIN, photo_in, photo_of

DOUBTED, CAT = photo_in(LIKE_NO_SKIN), photo_in(NO_SKIN)
WORDS = conditions_table().notices


class AskingBackend(Backend):
    def served(self) -> ServedModel | None:
        return served_once(asking_model())


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskingBackend]:
    backend = AskingBackend(tmp_path_factory.mktemp("asking"), model_path=asking_model())
    with closing(backend.services.store):
        yield backend


@pytest.fixture
def ada(asking: AskingBackend) -> Person:
    return asking.member()


def problem(person: Person, content: bytes, **fields: Any) -> dict[str, Any]:
    answer = send(person, content, **fields)
    assert answer.status_code == 422, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def is_doubted(found: dict[str, Any]) -> bool:
    assert found["uncertain"] == bool(found["reasons"])
    assert urgency(Band(found["band"])) <= urgency(Band.DOCTOR_REVIEW)
    return found["reasons"][:1] == ["not_surely_skin"] and any(
        notice == WORDS.not_surely_skin.en for notice in found["notices"]
    )


def test_a_sender_who_can_ask_is_asked_and_nothing_is_stored(ada: Person) -> None:
    for language, said in WORDS.refused["not_surely_skin"]:
        asked = problem(ada, DOUBTED, skin="ask", language=language)
        assert (asked["code"], asked["question"]) == ("not_judgeable", "skin")
        assert asked["detail"] == said
    assert ada.call("GET", "/submissions").get_json() == []


def test_the_question_does_not_drop_the_referral_that_the_checklist_demands(ada: Person) -> None:
    asked = problem(ada, DOUBTED, skin="ask", checklist="change_in_size,oozing")
    assert asked["detail"].startswith(conditions_table().checklist.result.at_or_above.en)


def test_what_is_confirmed_is_judged_in_doubt_under_the_key_of_the_question(ada: Person) -> None:
    problem(ada, DOUBTED, skin="ask", key="k")
    found = predicted(ada, DOUBTED, skin="confirmed", key="k")
    assert is_doubted(found)
    assert found["context"]["skin_confirmed"] is True
    assert found["report"]["overview"].startswith(conditions_table().notices.headline.not_skin.en)
    assert (found["class"], found["confidence"]) == ("no skin recognised", 0)
    assert "melanoma" not in found["headline"]["patient"]["en"]
    assert predicted(ada, DOUBTED, skin="confirmed", key="k")["id"] == found["id"]


def test_a_client_that_cannot_ask_gets_the_finding_in_doubt(ada: Person) -> None:
    found = predicted(ada, DOUBTED)
    assert is_doubted(found)
    assert "skin_confirmed" not in found["context"]


def test_a_cat_is_refused_unless_somebody_confirms_that_it_shows_the_spot(ada: Person) -> None:
    for fields, question in (({}, None), ({"skin": "ask"}, "skin")):
        refused = problem(ada, CAT, **fields)
        assert (refused["code"], refused.get("question")) == ("not_judgeable", question)
        assert refused["detail"] == WORDS.refused["not_skin"].en
    assert is_doubted(predicted(ada, CAT, skin="confirmed"))


def test_one_of_several_pictures_is_asked_about_by_its_place(ada: Person) -> None:
    pictures = (photo_of("melanoma"), DOUBTED)
    asked = several.send(ada, *pictures, skin="ask", same_spot="true").get_json()
    assert asked["question"] == "skin"
    assert asked["detail"].startswith("Picture 2: This does not look like skin")
    found = several.joined(ada, *pictures, skin="confirmed", same_spot="true")
    assert "not_surely_skin" in found["reasons"]
    assert ["not_surely_skin" in record["reasons"] for record in found["pictures"]] == [False, True]
    assert "melanoma" in found["headline"]["patient"]["en"], "the other picture shows skin"


def test_no_program_reads_a_condition_of_what_is_no_skin(asking: AskingBackend) -> None:
    """An EHR reads no condition in the conclusion, and other programs none in their messages."""
    ada = asking.member()
    found = predicted(ada, DOUBTED)
    assert found["probabilities"], "which are told as figures"
    number = found["id"]
    for reader in READERS:
        read = reader.read_likely(ada, number)
        assert WORDS.headline.not_skin.en in read
        for name in (*conditions_table().keys, "melanoma", "mole", "nevus"):
            assert name not in read.lower().replace("normal_skin", "")
    for channel in CHANNELS:
        told = channel.tell_of(asking, number)
        assert "not_surely_skin" in told
        assert "most_likely" not in told
        assert "not_ruled_out" not in told
