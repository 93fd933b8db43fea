"""What the lab's pages say of a data set, and of a model that was tested on a few pictures."""

import re

import pytest

from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.storage.ids import new_id
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Seeder

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])


def said(words: dict[str, str], key: str, **values: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda hole: values[hole[1]], words[key])


@LANGUAGES
def test_a_data_set_says_what_was_left_out_and_asks_without_refusing(
    visitor: Visitor, seeder: Seeder, language: str
) -> None:
    datasets = Datasets(seeder.services.store)
    person = seeder.person("researcher")
    visitor.look(PHONE if language == "fr" else (1366, 768), language=language)
    visitor.enter(person, "researcher")
    words = visitor.words(language)
    asks, ready = (
        datasets.begin(NewDataset(name=f"{name} {new_id()[-6:]}", owner=person.id), size=0)
        for name in ("Asks", "Ready")
    )
    labels = [{"label": "wart", "count": 12, "offered": None}]
    datasets.refuse(
        asks.id, code="unknown_labels", problem="Unknown", report={"unknown_labels": labels}
    )
    visitor.go(f"dataset/{asks.id}")
    visitor.see(words["asksTitle"])
    visitor.see(words["checked_asks"])
    assert visitor.count("main .message.bad, .state-refused") == 0
    visitor.go("datasets")
    visitor.see(words["checked_asks"])
    assert visitor.count(".state-refused") == 0
    left_out = {"label": "wart", "count": 12, "published_as": None, "known_as": None}
    classes = {"melanoma": {"pictures": 24, "lesions": 24}}
    datasets.publish(
        ready.id,
        pictures=24,
        counts={"melanoma": 24},
        report={"labels": [left_out], "unknown_labels": [], "classes": classes},
    )
    visitor.go(f"dataset/{ready.id}")
    visitor.see(words["leftOutText"])
    visitor.see(words["leftOutLabel"].split("{label}")[1].replace("{n}", "12"))
    assert words["nothingLeftOut"] not in visitor.text()
    visitor.assert_nothing_overflows()
