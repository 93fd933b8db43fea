"""What the model and doctors had said, against the laboratory's results."""

from typing import Any

import pytest

from skinapi.records.outcomes.figures import FigureView, figures_of
from skinapi.records.outcomes.outcome_counts import CountedOutcome
from tests.care.clinic import REFERRAL, URGENT, file_for, patient_of
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of

MOLE, MELANOMA = "melanocytic_nevus", "melanoma"


def sign(doctor: Person, number: int, label: str, **said: Any) -> None:
    body = {"label": label, "certainty": "sure", **said}
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
    assert answer.status_code == 201, answer.text


def result(doctor: Person, number: int, found: str, label: str | None = None) -> None:
    sign(doctor, number, label or found, histology="confirmed", histology_result=found)


def outcomes(person: Person, path: str = "/outcomes") -> Any:
    answer = person.call("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def share(figures: Any, name: str) -> tuple[float | None, int]:
    return figures[name]["value"], figures[name]["n"]


def test_what_was_said_before_the_result_is_counted_for_model_and_doctor(
    any_backend: Backend,
) -> None:
    grey, root = any_backend.member(role="doctor"), any_backend.member(role="admin")
    ada = patient_of(any_backend, grey)
    missed, right = (
        file_for(any_backend, ada, URGENT, finding=finding_of(MELANOMA, band=URGENT)).number
        for _ in range(2)
    )
    sign(grey, missed, MOLE)
    result(grey, missed, MELANOMA)
    sign(grey, right, MOLE)
    result(grey, right, MOLE)
    sign(grey, right, MELANOMA)  # after the result: not counted
    told = outcomes(grey)
    [model] = told["models"].values()
    assert (model["results"], model["malignant"]) == (2, 1)
    assert share(model, "named_sensitivity") == share(model, "sent_sensitivity") == (1.0, 1)
    assert share(model, "named_specificity") == share(model, "sent_specificity") == (0.0, 1)
    own = told["doctor"]
    assert share(own, "named_sensitivity") == (0.0, 1)
    assert share(own, "named_specificity") == (1.0, 1)
    [month] = own["months"]
    assert month["kappa"] == own["kappa"]
    assert outcomes(root, f"/admin/outcomes?doctor={grey.email}") == told
    assert outcomes(any_backend.member(role="doctor"))["doctor"]["results"] == 0
    for nobody in (ada.email, "nobody@example.org"):
        assert root.call("GET", f"/admin/outcomes?doctor={nobody}").status_code == 404
    assert root.call("GET", "/admin/outcomes?doctor=no-address").status_code == 400


def test_a_later_result_replaces_the_earlier_one(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    number = file_for(backend, patient_of(backend, grey), REFERRAL).number
    sign(grey, number, MOLE)
    result(grey, number, MOLE)
    result(grey, number, MELANOMA)
    own = outcomes(grey)["doctor"]
    assert (own["results"], own["malignant"]) == (1, 1)
    [model] = outcomes(grey)["models"].values()
    assert (model["results"], model["malignant"]) == (1, 1)


def test_counts_outlive_the_finding_and_those_of_a_doctor_go_with_the_account(
    backend: Backend,
) -> None:
    grey, other = (backend.member(role="doctor") for _ in range(2))
    ada = patient_of(backend, grey)
    number = file_for(backend, ada, URGENT).number
    sign(grey, number, MOLE)
    result(grey, number, MELANOMA)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert outcomes(grey)["doctor"]["results"] == 1
    backend.services.eraser.erase(backend.account(grey.email), by="-")
    [model] = outcomes(other)["models"].values()
    assert model["results"] == 1
    rows = backend.services.store.collection("outcome_counts").find()
    assert {row["kind"] for row in rows} == {"model"}
    assert ada.email not in str(rows)


def test_an_opinion_of_who_has_no_account_any_more_is_not_counted(backend: Backend) -> None:
    grey, other, root = (backend.member(role=role) for role in ("doctor", "doctor", "admin"))
    ada = patient_of(backend, grey)
    number = file_for(backend, ada, URGENT).number
    sign(grey, number, MOLE)
    gone = backend.account(grey.email)
    to = {"doctor": other.email}
    assert root.call("PUT", f"/users/{ada.email}/doctor", json=to).status_code == 200
    backend.services.eraser.erase(gone, by="-")
    result(other, number, MELANOMA)
    rows = backend.services.store.collection("outcome_counts").find()
    assert {row["kind"] for row in rows} == {"model"}


def counted(said: str, truth: str, n: int) -> CountedOutcome:
    return CountedOutcome(
        kind="doctor",
        subject="grey",
        month="2026-11",
        truth=truth,
        said=said,
        sent=said == MELANOMA,
        n=n,
    )


def row_of(figure: FigureView) -> tuple[float | None, ...]:
    return figure.value, figure.low, figure.high, figure.n


def test_the_figures_are_those_of_the_textbook() -> None:
    """Kappa of 20, 5, 10 and 15; Wilson's intervals of 20 of 30, and of 35 of 50."""
    table = [
        counted(MELANOMA, MELANOMA, 20),
        counted(MELANOMA, MOLE, 5),
        counted(MOLE, MELANOMA, 10),
        counted(MOLE, MOLE, 15),
    ]
    figures = figures_of(table)
    assert (figures.results, figures.malignant) == (50, 30)
    assert row_of(figures.named_sensitivity) == pytest.approx(
        (20 / 30, 0.4878, 0.8077, 30), abs=1e-4
    )
    assert row_of(figures.sent_specificity)[::3] == (0.75, 20)
    assert row_of(figures.kappa) == pytest.approx((0.4, 0.1250, 0.6179, 50), abs=1e-4)


def test_nothing_is_said_of_no_results_nor_of_one_condition_alone() -> None:
    assert row_of(figures_of([]).named_sensitivity) == (None, None, None, 0)
    assert row_of(figures_of([counted(MOLE, MOLE, 3)]).kappa) == (None, None, None, 3)
