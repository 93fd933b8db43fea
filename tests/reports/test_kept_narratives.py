"""The LLM's words go with the finding that they were made from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.houses import House, Person
from tests.openrouter import KEY, Call, OpenRouter, an_openrouter, well
from tests.photos import photo_of
from tests.prediction.photographer import predicted


@pytest.fixture
def llm() -> Iterator[OpenRouter]:
    with an_openrouter() as server:
        yield server


@pytest.fixture
def house(llm: OpenRouter, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, openrouter_api_key=KEY, openrouter_url=llm.url, predict_narrative="llm")
    yield house
    house.rooms.store.close()


def kept(house: House) -> int:
    return house.rooms.store.collection("narratives").count()


def of_two_findings(house: House, ada: Person, bob: Person) -> tuple[int, int]:
    """The numbers of a finding of each; Ada's in words in both languages."""
    hers, his = predicted(ada)["id"], predicted(bob, photo_of("dermatofibroma"))["id"]
    for language in ("en", "fr"):
        assert ada.call("GET", f"/submissions/{hers}/report?lang={language}").status_code == 200
    assert kept(house) == 3
    return hers, his


def test_a_deleted_submission_takes_the_words_made_from_it_along(house: House) -> None:
    ada, bob = (house.member(consents={"llm": True}) for _ in range(2))
    hers, his = of_two_findings(house, ada, bob)
    assert ada.call("DELETE", f"/submissions/{hers}").status_code == 200
    assert kept(house) == 1
    assert bob.call("DELETE", f"/submissions/{his}").status_code == 200
    assert kept(house) == 0


def test_an_erased_account_leaves_no_words_even_where_the_key_is_gone(
    house: House, tmp_path: Path
) -> None:
    ada, bob = (house.member(consents={"llm": True}) for _ in range(2))
    of_two_findings(house, ada, bob)
    without_key = House(tmp_path, house.rooms.store)
    without_key.rooms.eraser.erase(house.account(ada.email))
    assert kept(house) == 1
    assert list(house.rooms.faults()) == []


def test_words_that_come_after_the_submission_is_gone_are_not_kept(
    house: House, llm: OpenRouter
) -> None:
    ada = house.member(consents={"llm": True})
    number = predicted(ada)["id"]

    def delete_first(call: Call) -> None:
        house.rooms.records.delete_submission(number=str(number), by=house.account(ada.email).id)
        well(call)

    llm.behave = delete_first
    assert ada.call("GET", f"/submissions/{number}/report?lang=fr").status_code == 404
    assert kept(house) == 0
