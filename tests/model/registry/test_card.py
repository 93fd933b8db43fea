from skinapi.model.conditions import conditions_table
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
