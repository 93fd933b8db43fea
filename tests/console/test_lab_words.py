"""What the lab's pages say of a data set, and of a model that was tested on a few pictures."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.jobs.job_queue import Jobs
from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.registry.serving_pointer import Origin
from skinapi.storage.ids import new_id, now
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
    visitor.see(said(words, "tooSmallToSplit", n="10"))
    assert visitor.count("main a[href^='#/train']") == 0
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
    assert words["measure_macro_auc"] not in visitor.text()
    reason = words["gateNotMeasured"].split("{names}.")[1].strip()
    assert visitor.text().count(reason) == 1
    visitor.go(f"version/{many}")
    visitor.see(words["table_per_class"])
    shown = visitor.run(MELANOMA)
    assert shown["claimed"] in shown["by_class"]
    assert visitor.count("main details.card:not([open])") == 3
    visitor.go(f"compare/{many}")
    visitor.see(words["table_points"])
    first = "return document.querySelector('details.card').textContent"
    assert words["table_points"] in visitor.run(first)
    assert visitor.count("details.card[open]") == 1
    visitor.run(ANSWER_COMPARISON, {"same_test_part": True, "gates": [], "figures": COMPARED})
    for place in ("models", f"compare/{many}"):
        visitor.go(place)
    visitor.see(words["differing"].format(n=1))
    assert visitor.count("details.card") == 2
    open_rows = visitor.find("details.card[open] tbody").text
    assert words["measure_accuracy"] in open_rows
    assert words["measure_macro_auc"] not in open_rows


COMPARED = [
    {"part": "test", "name": name, "first": first, "second": 0.9, "difference": 0.9 - first,
     "first_interval": [first - 0.02, first + 0.02], "second_interval": [0.88, 0.92]}
    for name, first in (("macro_auc", 0.89), ("accuracy", 0.8))
]  # fmt: skip
ANSWER_COMPARISON = """
const [answer, ask] = [JSON.stringify(arguments[0]), window.fetch];
window.fetch = (path, ...rest) =>
  path.startsWith("/models/compare?") ? Promise.resolve(new Response(answer)) : ask(path, ...rest);
"""


# The share of melanomas named rightly, as the page claims it, and the row of the class table.
MELANOMA = """
const rows = [...document.querySelectorAll("tbody tr")].map((one) => one.textContent);
const [claim] = [...document.querySelectorAll(".claim p")].map((one) => one.textContent)
  .filter((text) => text.includes("344"));
return { claimed: claim.match(/[\\d.,]+/)[0], by_class: rows.find((row) => row.includes("344")) };
"""


@LANGUAGES
def test_a_job_says_that_nothing_takes_it_and_what_comes_after_its_epochs(
    visitor: Visitor, seeder: Seeder, jobs: Jobs, language: str
) -> None:
    person = seeder.person("researcher")
    asked = {"architecture": "ResNet50", "dataset": "d", "dataset_name": "Moles", "epochs": 2}
    settings = {"batch_size": 8, "optimizer": "Adam", "learning_rate": 0.001}
    job = seeder.services.jobs.submit(kind="training", owner=person.id, request=asked | settings)
    visitor.look(PHONE if language == "fr" else (1366, 768), language=language)
    visitor.set_clock((now() + timedelta(minutes=10)).isoformat(), "UTC")
    visitor.enter(person, "researcher")
    words = visitor.words(language)
    visitor.go(f"job/{job.id}")
    visitor.see(words["queuedLong"])
    visitor.press("main .danger")
    visitor.press_button(words["keepRunning"])
    visitor.see(words["queuedLong"])
    claimed = jobs.claim(worker="test", lease=timedelta(minutes=10))
    assert claimed
    row = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "timestamp": ""}
    rows = [row | {"epoch": epoch, "seconds": 20.0 * epoch} for epoch in (1, 2)]
    told = {"progress": 44.1, "message": "Epoch 2 of 2", "metrics": rows}
    jobs.beat(claimed, lease=timedelta(minutes=10), changes=told)
    visitor.see(said(words, "epochsDone", n="2"))
    assert "44.1" not in visitor.text().replace(",", ".")
    times = {"en": "20 seconds, 40 seconds", "fr": "20\xa0secondes, 40\xa0secondes"}[language]
    visitor.see(said(words, "lastEpochs", times=times))
    jobs.finish(claimed, status="completed", changes={"progress": 100.0, "message": ""})


# Three weeks, of which no photo came in the second.
WEEKS = """
const ask = window.fetch;
const week = (week, findings) => ({ week, starts: week, findings, refused: 0, classes: {},
  bands: {}, uncertain: findings / 2, reviews: 0, disagreements: 0,
  mean_confidence: findings ? 0.7 : null });
const weeks = [week("2026-11-02", 6), week("2026-11-09", 0), week("2026-11-16", 2)];
window.fetch = async (asked, options) => String(asked).startsWith("/drift")
  ? new Response(JSON.stringify({ weeks, alerts: [], tests: [] })) : ask(asked, options);
"""


@LANGUAGES
def test_a_line_over_weeks_has_a_gap_where_no_photo_came(
    visitor: Visitor, seeder: Seeder, language: str
) -> None:
    visitor.look(PHONE if language == "fr" else (1366, 768), language=language)
    visitor.enter(seeder.person("researcher"), "researcher")
    words = visitor.words(language)
    visitor.run(WEEKS)
    visitor.go("drift")
    visitor.see(words["doubtShare"])
    visitor.see("n = 2")
    assert visitor.count(".curves figure:nth-child(2) polyline") == 2
