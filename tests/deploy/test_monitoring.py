import re
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Event

import apsw
import pytest
from flask import request_started
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.promql import ADDED, PROMETHEUS, alerts, grouped_by, queries, selectors
from tests.findings.prediction.photographer import predicted
from tests.repository.documents import PAGES
from tests.support.backends import Backend

Series = dict[str, dict[str, set[str]]]
# Whose values the backend must have shown; those of the others depend on what happened to it.
SHOWN = {"le", "part", "state", "method", "route"}
DATABASE, SLOW_S = "skinapi.db", 1.3
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
# Of the runbook: what an operator does without an alert.
HOW_TO = {"Follow a request in the log", "A breach"}


@pytest.fixture(scope="module")
def backend_with_photo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    backend = Backend(tmp_path_factory.mktemp("monitored"))
    predicted(backend.member())
    store = backend.services.store
    store.transaction(lambda: backend.services.data.deliveries.add("fax", to="x", about={}))
    store.collection("deliveries").update_all({}, {"$set": {"waiting_since_at": LONG_AGO}})
    yield backend
    backend.services.store.close()


@pytest.fixture(scope="module")
def exposed(backend_with_photo: Backend) -> Series:
    text = backend_with_photo.member(role="admin").call("GET", "/metrics").text
    found: Series = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            _ = found[sample.name]
            for label, value in sample.labels.items():
                found[sample.name][label].add(value)
    # All routes can be asked for, whether they were or not.
    rules = {rule.rule for rule in backend_with_photo.app.url_map.iter_rules()}
    for labels in found.values():
        if "route" in labels:
            labels["route"] |= rules
    return found


@pytest.mark.parametrize("title", queries())
def test_a_query_asks_for_what_a_backend_has(title: str, exposed: Series) -> None:
    expression = queries()[title]
    labels = set(ADDED)
    asked = list(selectors(expression))
    assert asked, expression
    for selector in asked:
        if selector.metric == "up" or selector.metric in recorded():
            assert selector.labels.keys() <= ADDED
            continue
        assert selector.metric in exposed, expression
        has = exposed[selector.metric]
        assert selector.labels.keys() <= has.keys() | ADDED, expression
        for label in selector.labels.keys() & SHOWN:
            assert set(selector.labels[label]) <= has[label], f"{label} in {expression}"
        labels |= has.keys()
    assert grouped_by(expression) <= labels, expression


def recorded() -> set[str]:
    named = re.findall(r"record: (\S+)", (PROMETHEUS / "slo.rules.yml").read_text())
    return set(named)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (Debian: prometheus)")
@pytest.mark.parametrize(
    "arguments",
    [("test", "rules", "rules.test.yml", "drift.test.yml"), ("check", "config", "prometheus.yml")],
)
def test_the_rules_fire_on_their_fault_alone(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_by_the_unit_tests_of_the_rules() -> None:
    text = "".join(path.read_text() for path in PROMETHEUS.glob("*.test.yml"))
    tried = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n\s+- exp_labels", text))
    assert tried == {rule["alert"] for rule in alerts()}


def test_a_photo_that_waits_for_the_store_is_counted_as_slow(backend_with_photo: Backend) -> None:
    ada = backend_with_photo.member()
    (fast, answered) = timed(backend_with_photo)
    begun = Event()
    with (
        closing(apsw.Connection(str(backend_with_photo.settings.instance_dir / DATABASE))) as other,
        ThreadPoolExecutor(1) as pool,
        request_started.connected_to(lambda *_, **__: begun.set(), backend_with_photo.app),
    ):
        other.execute("BEGIN IMMEDIATE")
        judged = pool.submit(predicted, ada)
        assert begun.wait(60)
        time.sleep(SLOW_S)
        other.execute("ROLLBACK")
        assert judged.result()
    assert timed(backend_with_photo) == (fast, answered + 1)


def timed(backend: Backend) -> tuple[float, float]:
    text = backend.member(role="admin").call("GET", "/metrics").text
    predict = {"method": "POST", "route": "/predict"}
    found = {
        (sample.name.rpartition("_")[2], sample.labels.get("le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name == "skinapi_request_seconds" and predict.items() <= sample.labels.items()
    }
    return found["bucket", "1.0"], found["count", None]


# --- the runbook ---


def entries() -> dict[str, str]:
    _, *found = re.split(r"^## ", PAGES["docs/runbook.md"], flags=re.MULTILINE)
    parts = (part.partition("\n") for part in found)
    return {head.strip(): text for head, _, text in parts if head.strip() not in HOW_TO}


def test_every_alert_has_an_entry_in_the_runbook_and_every_entry_an_alert() -> None:
    assert entries().keys() == {rule["alert"] for rule in alerts()}
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
