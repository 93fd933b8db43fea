"""The model card and the conditions, for programs."""

from typing import Any

import pytest

from skinapi.model.conditions import conditions_table
from skinapi.model.registry.card_figures import list_compared_figures
from tests.support.backends import Backend


def test_the_card_of_the_model_in_service_is_open_to_programs(shared_backend: Backend) -> None:
    card = shared_backend.client.get("/model-card").get_json()
    assert card["version"] == "tiny-1"
    assert card["limits"]
    assert card["figures"] == {"test": {"balanced_accuracy": 0.5}}


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


def share(value: float, among: int) -> dict[str, Any]:
    return {"malignant": among, "caught": value, "caught_interval": [value - 0.1, value]}


POINTS = {
    "cautious": {"dermoscopic": share(0.99, 200)},
    "standard": {"dermoscopic": share(0.97, 200)},
}


def test_two_models_are_compared_at_the_same_point() -> None:
    compared = dict(list_compared_figures({"points": POINTS}))
    assert compared == {
        "points.dermoscopic.cautious.caught": (0.99, (0.89, 0.99)),
        "points.dermoscopic.standard.caught": (0.97, (0.87, 0.97)),
    }


@pytest.mark.parametrize("interval", [{"n": 3}, 7, "wide", [1], [1, "x"], [[1], [2]], None])
def test_what_is_called_an_interval_and_is_none_is_left_out(interval: Any) -> None:
    figures = {"ece": 0.1, "ece_interval": interval, "points": interval}
    assert dict(list_compared_figures(figures)) == {"ece": (0.1, None)}
