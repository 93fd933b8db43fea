"""What the model does by week: what is counted, what an alert says, and what Prometheus gets."""

from collections.abc import Callable
from typing import Any

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.model.registry import drift_counts
from skinapi.model.registry.drift_counts import first_day, last_weeks, week_of
from skinapi.platform.storage.ids import now
from tests.care.clinic import patient_of
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, Person
from tests.support.photos import photo_in

BLACK = photo_in((0, 0, 0))


def drift(backend: Backend, weeks: int = 1) -> dict[str, Any]:
    reader = backend.member(role="researcher")
    answer = reader.call("GET", f"/drift?weeks={weeks}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def this_week(backend: Backend) -> dict[str, Any]:
    [week] = drift(backend)["weeks"]
    found: dict[str, Any] = week
    return found


def version_of(backend: Backend) -> str:
    version = backend.services.models.serving_version()
    assert version
    return version


def seed(backend: Backend, weeks: int, counts: Callable[[int], dict[str, int]]) -> list[str]:
    """Store the counts of the last weeks, as if they had happened; the names of these weeks."""
    names = last_weeks(weeks)
    version = version_of(backend)
    stored = backend.services.store.collection("weekly_counts")
    for number, week in enumerate(names):
        fields = {"schema": 1, "created_at": now(), "week": week, "version": version}
        stored.insert({"id": f"{week} {version}", **fields, **counts(number)})
    return names


def review(doctor: Person, number: int, agreement: str, key: str | None = None) -> None:
    body = {"label": "melanoma", "agreement": agreement}
    headers = {"Idempotency-Key": key} if key else {}
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body, headers=headers)
    assert answer.status_code == 201


def test_what_the_model_did_this_week_is_counted_once(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    ada = patient_of(backend, doctor)
    for _ in range(2):
        body = predicted(ada, key="visit-1", keep_photo="true")
    assert send(ada, BLACK).status_code == 422
    for _ in range(2):
        review(doctor, body["id"], "disagree", key="review-1")
    review(doctor, body["id"], "agree")
    week = this_week(backend)
    today = now().date()
    assert week["week"] == week_of(today)
    assert week["starts"] == first_day(week_of(today)).isoformat()
    assert (week["findings"], week["refused"], week["reviews"], week["disagreements"]) == (
        1, 1, 2, 1,
    )  # fmt: skip
    first = max(one["probability"] for one in body["probabilities"])
    assert {key: n for key, n in week["bands"].items() if n} == {body["band"]: 1}
    assert sum(week["classes"].values()) == 1
    assert week["mean_confidence"] == pytest.approx(first, abs=1e-5)
    assert week["uncertain"] == int(body["uncertain"])
    assert {key: n for key, n in week["doubts"].items() if n} == dict.fromkeys(body["reasons"], 1)
    assert [one["model_version"] for one in week["versions"]] == [body["model_version"]]
    assert week["versions"][0]["findings"] == 1


def test_weeks_without_photos_are_zero_and_this_one_is_the_last(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = last_weeks(3)
    past = first_day(names[0])
    moment = now().replace(year=past.year, month=past.month, day=past.day)
    monkeypatch.setattr(drift_counts, "now", lambda: moment)
    backend.services.data.photo_counts.add_refused("a-1")
    monkeypatch.undo()
    weeks = drift(backend, weeks=3)["weeks"]
    assert [(one["week"], one["refused"]) for one in weeks] == [
        (names[0], 1), (names[1], 0), (names[2], 0),
    ]  # fmt: skip
    assert weeks[1]["mean_confidence"] is None
    assert len(backend.member(role="admin").call("GET", "/drift").get_json()["weeks"]) == 26


def test_nothing_fails_because_it_cannot_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(backend.services.store.collection("weekly_counts"), "update", refuse)
    assert predicted(backend.member())["id"] == 1
    assert this_week(backend)["findings"] == 0


def test_more_disagreement_raises_an_alert_that_says_since_when(backend: Backend) -> None:
    def counts(week: int) -> dict[str, int]:
        return {"reviews": 40, "disagreements": 4 if week < 12 else 16}

    names = seed(backend, 20, counts)
    [alert] = drift(backend)["alerts"]
    assert (alert["measure"], alert["since"]) == ("disagreement", names[12])
    assert (alert["value"], alert["reference"]) == (0.4, 0.1)
    assert alert["sentence"] == (
        "Reviewers disagree with 40.0% of the findings they review "
        f"since {names[12]}; before it was 10.0%."
    )
    assert names[12] <= alert["raised"] <= names[-1]
    assert alert["model_version"] == version_of(backend)


def test_a_change_of_the_mix_names_the_condition(backend: Backend) -> None:
    def counts(week: int) -> dict[str, int]:
        melanomas = 10 if week < 10 else 30
        return {
            "findings": 100,
            "class_melanoma": melanomas,
            "class_melanocytic_nevus": 70 - melanomas,
            "class_benign_keratosis": 30,
        }

    names = seed(backend, 20, counts)
    [alert] = drift(backend)["alerts"]
    assert (alert["measure"], alert["condition"], alert["since"]) == (
        "classes",
        "melanoma",
        names[10],
    )
    assert (alert["value"], alert["reference"]) == (0.3, 0.1)
    assert alert["sentence"].startswith("Melanoma is the most probable condition in 30.0%")


def test_without_a_change_there_is_no_alert_and_the_tests_say_how_far_they_are(
    backend: Backend,
) -> None:
    counted = {"findings": 90, "refused": 10, "uncertain": 20, "reviews": 5}
    weeks = seed(backend, 10, lambda _: counted)
    found = drift(backend)
    assert found["alerts"] == []
    assert found["alpha"] == 0.05
    tests = {test["measure"]: test for test in found["tests"]}
    assert tests.keys() == {"disagreement", "refused", "doubt", "classes"}
    assert tests["refused"]["reference_events"] == 500
    assert tests["refused"]["tested_events"] == 500
    assert tests["refused"]["tested_since"] == weeks[5]
    assert tests["disagreement"]["tested_since"] is None
    assert tests["disagreement"]["reference_events"] == 50
    assert tests["disagreement"]["evidence"] == 1.0
    assert all(test["evidence"] < 20 for test in tests.values())


def test_another_version_begins_with_a_reference_of_its_own(backend: Backend) -> None:
    seed(backend, 20, lambda week: {"reviews": 40, "disagreements": 4 if week < 12 else 16})
    stored = backend.services.store.collection("weekly_counts")
    for row in stored.find():
        stored.update({"id": row["id"]}, {"$set": {"version": "left-1"}})
    assert drift(backend)["alerts"] == []


def test_prometheus_gets_the_figures_of_this_week_and_the_alerts(backend: Backend) -> None:
    seed(
        backend,
        20,
        lambda week: {
            "findings": 50,
            "class_melanoma": 50,
            "band_routine": 50,
            "reviews": 40,
            "disagreements": 4 if week < 12 else 16,
        },
    )
    admin = backend.member(role="admin")
    lines = admin.call("GET", "/metrics").text.splitlines()
    assert "skinapi_week_findings 50.0" in lines
    assert 'skinapi_week_classes{condition="melanoma"} 50.0' in lines
    assert 'skinapi_week_bands{band="routine"} 50.0' in lines
    assert 'skinapi_drift_alert{measure="disagreement"} 1.0' in lines
    assert 'skinapi_drift_alert{measure="refused"} 0.0' in lines
    assert any(line.startswith("skinapi_requests_total") for line in lines)
