"""The model card and the conditions, for programs and for people."""

from html.parser import HTMLParser

from skinapi.vision.conditions import conditions_table
from tests.houses import House


class Strict(HTMLParser):
    """Counts what opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_card_of_the_model_in_service_is_open_to_programs(shared_house: House) -> None:
    card = shared_house.client.get("/model-card").get_json()
    assert card["version"] == "tiny-1"
    assert card["limits"]
    assert card["figures"] == {"test": {"balanced_accuracy": 0.5}}


def test_a_browser_gets_the_card_as_a_page(shared_house: House) -> None:
    answer = shared_house.client.get("/model-card", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.mimetype == "text/html"
    page = Strict()
    page.feed(answer.text)
    assert page.open == []
    for said in ("tiny-1", "Not a medical diagnosis", "balanced accuracy", "nothing of skin"):
        assert said in answer.text
    assert "unsafe-inline" in answer.headers["Content-Security-Policy"]


def test_the_conditions_are_told_whole_with_their_sources(shared_house: House) -> None:
    body = shared_house.client.get("/conditions").get_json()
    table = conditions_table()
    assert [condition["key"] for condition in body["conditions"]] == list(table.keys)
    for condition in body["conditions"]:
        assert set(condition["sentences"]) == {"en", "fr"}
        assert condition["sources"]
    relations = {c["key"]: c["code_relation"] for c in body["conditions"]}
    assert relations["melanoma"] == "equivalent"
    assert relations["actinic_keratosis"] == "broader than"
    assert body["notice"] == table.notices.information_only.en
