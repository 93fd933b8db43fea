"""What the lab's pages say of a data set, and of a model that was tested on a few pictures."""

import re
from pathlib import Path

import pytest

from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.registry.serving_pointer import Origin
from skinapi.storage.ids import new_id
from skinapi.vision.network.model import CARD, SHIPPED_MODEL, read_card, write_checksums
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Seeder
from tests.support.models import GREEN_IS_NO_SKIN, write_model

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


def few_tested(seeder: Seeder, folder: Path, lesions: int) -> str:
    """A candidate without a comparison on the reference data set, tested on so many lesions."""
    version = f"resnet50-{new_id()[-12:]}"
    path = write_model(folder / version, version, skin=GREEN_IS_NO_SKIN)
    figures = read_card(SHIPPED_MODEL).model_dump()["figures"]
    own = figures["test"] | {"lesions": lesions, "macro_auc": 1.0, "balanced_accuracy": 1.0}
    own["one_per_lesion"] = own["one_per_lesion"] | {"lesions": lesions, "n": lesions}
    card = read_card(path).model_copy(update={"figures": figures | {"test": own}})
    (path / CARD).write_text(card.model_dump_json())
    write_checksums(path)
    seeder.services.models.add(folder=path, by="system", origin=Origin())
    return version


@LANGUAGES
def test_few_test_lesions_say_nothing_and_what_is_not_measured_is_said_once(
    visitor: Visitor, seeder: Seeder, tmp_path: Path, language: str
) -> None:
    few, many = (few_tested(seeder, tmp_path, lesions) for lesions in (4, 3211))
    visitor.look(PHONE if language == "fr" else (1366, 768), language=language)
    visitor.enter(seeder.person("researcher"), "researcher")
    words = visitor.words(language)
    visitor.go("models")
    too_few = said(words, "tooFewTested", n="4")
    row = f"return document.querySelector(\"a[href='#/version/{few}']\").closest('li').textContent"
    visitor.see(few)
    assert too_few in visitor.run(row)
    assert "100" not in visitor.run(row)
    other = visitor.run(row.replace(few, many))
    assert words["namedAccuracy"] in other
    assert "211" in other
    visitor.go(f"version/{few}")
    visitor.see(too_few)
    visitor.see(words["nextImport"])
    assert words["macroAuc"] not in visitor.text()
    reason = words["gateNotMeasured"].split("{names}.")[1].strip()
    assert visitor.text().count(reason) == 1
    visitor.go(f"version/{many}")
    visitor.see(words["byClass"])
    shown = visitor.run(MELANOMA)
    assert shown["claimed"] in shown["by_class"]


# The share of melanomas named rightly, as the page claims it, and the row of the class table.
MELANOMA = """
const rows = [...document.querySelectorAll("tbody tr")].map((one) => one.textContent);
const [claim] = [...document.querySelectorAll(".claim p")].map((one) => one.textContent)
  .filter((text) => text.includes("344"));
return { claimed: claim.match(/[\\d.,]+/)[0], by_class: rows.find((row) => row.includes("344")) };
"""
