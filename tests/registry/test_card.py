"""The model card and the conditions, for programs and for people."""

from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from skinapi.registry.card_figures import list_compared_figures
from skinapi.registry.card_page import card_page
from skinapi.vision.conditions import conditions_table
from tests.support.backends import Backend
from tests.support.cards import model_card


class BalancedTags(HTMLParser):
    """Counts what opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_card_of_the_model_in_service_is_open_to_programs(shared_backend: Backend) -> None:
    card = shared_backend.client.get("/model-card").get_json()
    assert card["version"] == "tiny-1"
    assert card["limits"]
    assert card["figures"] == {"test": {"balanced_accuracy": 0.5}}


def test_a_browser_gets_the_card_as_a_page(shared_backend: Backend) -> None:
    answer = shared_backend.client.get("/model-card", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.mimetype == "text/html"
    page = BalancedTags()
    page.feed(answer.text)
    assert page.open == []
    for said in ("tiny-1", "Not a medical diagnosis", "balanced accuracy", "nothing of skin"):
        assert said in answer.text
    assert "unsafe-inline" in answer.headers["Content-Security-Policy"]


def test_the_conditions_are_told_whole_with_their_sources(shared_backend: Backend) -> None:
    body = shared_backend.client.get("/conditions").get_json()
    table = conditions_table()
    assert [condition["key"] for condition in body["conditions"]] == list(table.keys)
    for condition in body["conditions"]:
        assert set(condition["sentences"]) == {"en", "fr"}
        assert condition["sources"]
    relations = {c["key"]: c["code_relation"] for c in body["conditions"]}
    assert relations["melanoma"] == "equivalent"
    assert relations["actinic_keratosis"] == "broader than"
    assert body["notice"] == table.notices.information_only.en


def test_figures_of_several_sources_become_one_table_with_intervals() -> None:
    def part(auc: float) -> dict[str, Any]:
        spread = [auc - 0.1, auc + 0.05]
        inner = {"nv": {"n": 3, "auc": auc}, "mel": {"n": 2, "auc": None}}
        return {"n": 5, "macro_auc": auc, "macro_auc_interval": spread, "per_class": inner}

    figures = {"test": {"by_source": {"ham": part(0.9), "pad": part(0.8)}, "macro_auc": 0.85}}
    with Flask("page").app_context():
        page = card_page(model_card(figures=figures))
    strict = BalancedTags()
    strict.feed(page)
    assert strict.open == []
    flat = " ".join(page.split())
    assert "<th>n</th> <th>macro auc</th>" in flat
    assert "<td>0.900 [0.800–0.950]</td>" in flat
    assert "macro auc interval" not in flat
    assert "<summary>ham</summary>" in flat
    assert "<td>–</td>" in flat


def share(value: float, among: int) -> dict[str, Any]:
    return {"malignant": among, "caught": value, "caught_interval": [value - 0.1, value]}


POINTS = {
    "cautious": {"dermoscopic": {**share(0.99, 200), "by_source": {"ham": share(0.98, 120)}}},
    "standard": {"dermoscopic": {**share(0.97, 200), "by_source": {"ham": share(0.96, 120)}}},
}


def page_of(test: Any) -> str:
    with Flask("page").app_context():
        return " ".join(card_page(model_card(figures={"test": test})).split())


def test_what_each_operating_point_does_is_a_table_of_its_own() -> None:
    page = page_of({"macro_auc": 0.85, "points": POINTS})
    strict = BalancedTags()
    strict.feed(page)
    assert strict.open == []
    sent = '<td data-name="malignant sent to a doctor">'
    for row, told in {
        "dermoscopic · cautious": "0.990 [0.890–0.990] of 200",
        "dermoscopic · standard": "0.970 [0.870–0.970] of 200",
        "dermoscopic · ham · standard": "0.960 [0.860–0.960] of 120",
    }.items():
        assert f"<th>{row}</th> {sent}{told}</td>" in page
    assert page.count("dermoscopic") == 4
    assert "operating point" not in page_of({"macro_auc": 0.85})


@pytest.mark.parametrize(
    "points",
    [
        7,
        [POINTS],
        {"cautious": 1},
        {"cautious": {"dermoscopic": [1]}},
        {"x": {"y": {"caught": "z"}}},
    ],
)
def test_points_of_a_card_from_anywhere_are_shown_or_left_out(points: Any) -> None:
    assert "macro auc" in page_of({"macro_auc": 0.85, "n": 3, "points": points})


def test_two_models_are_compared_at_the_same_point() -> None:
    compared = dict(list_compared_figures({"points": POINTS}))
    assert compared == {
        "points.dermoscopic.cautious.caught": (0.99, (0.89, 0.99)),
        "points.dermoscopic.standard.caught": (0.97, (0.87, 0.97)),
    }


@pytest.mark.parametrize("interval", [{"n": 3}, 7, "wide", [1], [1, "x"], [[1], [2]], None])
def test_what_is_called_an_interval_and_is_none_is_shown_as_it_is(interval: Any) -> None:
    """A card may come from anywhere."""
    figures = {
        "test": {"back": {"n": 1}, "back_interval": interval, "auc": 1, "auc_interval": interval}
    }
    with Flask(__name__).app_context():
        assert "back interval" in card_page(model_card(figures={"test": figures}))
