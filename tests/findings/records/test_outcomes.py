from typing import Any

import pytest

from skinapi.findings.reviews.outcomes import CountedOutcome, FigureView, figures_of
from skinapi.model.bands import OperatingPoint
from skinapi.model.conditions import Band
from skinapi.model.context import Modality
from skinapi.model.detectors import ModalityFinding
from tests.care.clinic import (
    REVIEW,
    ROUTINE,
    URGENT,
    file_for,
    judge_anew,
    patient_in_care,
    patient_of,
)
from tests.support.backends import Backend, Person, erase
from tests.support.findings import finding_of
from tests.support.reviews import signed_review

MOLE, MELANOMA = "melanocytic_nevus", "melanoma"


def sign(doctor: Person, number: int, label: str, **said: Any) -> None:
    body = {"label": label, "certainty": "sure", **said}
    signed_review(doctor, number, body)


def result(doctor: Person, number: int, found: str, **said: object) -> None:
    sign(doctor, number, found, certainty="laboratory", **said)


def outcomes(person: Person) -> Any:
    return person.call_ok("GET", "/outcomes")


def share(figures: Any, name: str) -> tuple[float | None, int]:
    return figures[name]["value"], figures[name]["n"]


def test_what_the_model_said_is_counted_once_a_result_is_known(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    missed, right = (
        file_for(backend, ada, URGENT, finding=finding_of(MELANOMA, band=URGENT)).number
        for _ in range(2)
    )
    sign(grey, missed, MOLE)
    assert outcomes(grey) == {"models": {}}
    result(grey, missed, MOLE)
    result(grey, missed, MELANOMA)
    result(grey, right, MOLE)
    [model] = outcomes(grey)["models"].values()
    assert (model["results"], model["malignant"]) == (2, 1), "a later result replaces the earlier"
    assert share(model, "named_sensitivity") == share(model, "sent_sensitivity") == (1.0, 1)
    assert share(model, "named_specificity") == share(model, "sent_specificity") == (0.0, 1)


def test_a_photo_that_was_judged_again_between_two_results_is_counted_once(
    backend: Backend,
) -> None:
    """It is counted by the version that the doctor saw last."""
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, ROUTINE).number
    result(grey, number, MELANOMA)
    judge_anew(backend, number, URGENT)
    result(grey, number, MOLE)
    [model] = outcomes(grey)["models"].values()
    assert (model["results"], model["malignant"]) == (1, 0)
    assert share(model, "sent_specificity") == (0.0, 1)


CAUTIOUS, STANDARD = OperatingPoint.CAUTIOUS, OperatingPoint.STANDARD


def file_at_point(
    backend: Backend,
    patient: Person,
    band: Band,
    point: OperatingPoint | None,
    *kinds: Modality,
) -> int:
    pictures = [
        finding_of(
            MOLE,
            band=band,
            operating_point=point,
            modality=ModalityFinding(told=kind, recognised=kind, used=(kind,)),
        )
        for kind in kinds or (Modality.DERMOSCOPIC,)
    ]
    several = {"pictures": tuple(pictures)} if len(pictures) > 1 else {}
    return file_for(backend, patient, band, finding=pictures[0].model_copy(update=several)).number


def test_actinic_keratosis_alone_is_the_models_class_for_scoring(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    finding = finding_of("actinic_keratosis", band=URGENT)
    result(grey, file_for(backend, ada, URGENT, finding=finding).number, "actinic_keratosis_alone")
    [model] = outcomes(grey)["models"].values()
    assert share(model, "sent_sensitivity") == (1.0, 1)


def points_of(person: Person) -> dict[tuple[str, str], Any]:
    [model] = outcomes(person)["models"].values()
    return {(item["operating_point"], item["pictures"]): item for item in model["points"]}


def test_each_operating_point_and_kind_of_picture_has_its_own_figures(backend: Backend) -> None:
    grey, root = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    dermoscope, photograph = Modality.DERMOSCOPIC, Modality.CLINICAL
    for found, band, point, *kinds in (
        (MELANOMA, URGENT, CAUTIOUS, dermoscope),
        (MELANOMA, REVIEW, CAUTIOUS, dermoscope),
        (MOLE, URGENT, CAUTIOUS, dermoscope),
        (MOLE, REVIEW, CAUTIOUS, dermoscope),
        (MOLE, ROUTINE, CAUTIOUS, dermoscope),
        (MELANOMA, ROUTINE, STANDARD, dermoscope),
        (MOLE, ROUTINE, STANDARD, photograph),
        (MOLE, REVIEW, STANDARD, photograph, dermoscope),
        (MOLE, ROUTINE, None, dermoscope),  # made by older code
    ):
        number = file_at_point(backend, ada, band, point, *kinds)
        result(grey, number, found)
    told = points_of(grey)
    assert [*told] == [
        ("cautious", "dermoscopic"),
        ("standard", "dermoscopic"),
        ("standard", "clinical"),
        ("standard", "both"),
    ]
    cautious = told["cautious", "dermoscopic"]
    assert (cautious["results"], cautious["malignant"]) == (5, 2)
    assert share(cautious, "malignant_sent") == (1.0, 2)
    assert share(cautious, "benign_spared") == (1 / 3, 3)
    assert share(cautious, "benign_urgent") == (1 / 3, 3)
    assert share(cautious, "urgent_malignant") == (0.5, 2)
    assert cautious["malignant_sent"]["low"] == pytest.approx(0.3424, abs=1e-4)
    assert share(told["standard", "dermoscopic"], "malignant_sent") == (0.0, 1)
    assert share(told["standard", "dermoscopic"], "urgent_malignant") == (None, 0)
    assert share(told["standard", "clinical"], "benign_spared") == (1.0, 1)
    assert share(told["standard", "both"], "benign_spared") == (0.0, 1)
    [model] = outcomes(grey)["models"].values()
    assert model["results"] == 9
    assert points_of(root) == told


def test_counts_at_an_operating_point_outlive_the_finding_and_its_patient(
    backend: Backend,
) -> None:
    grey, ada = patient_in_care(backend)
    result(grey, file_at_point(backend, ada, REVIEW, STANDARD), MELANOMA)
    told = points_of(grey)
    erase(backend.services, backend.account(ada.email))
    assert points_of(grey) == told
    assert share(told["standard", "dermoscopic"], "malignant_sent") == (1.0, 1)
    rows = backend.services.store.collection("outcome_counts").find()
    assert ada.email not in str(rows)
    assert grey.email not in str(rows)


def counted(said: str, truth: str, n: int) -> CountedOutcome:
    sent = said == MELANOMA
    return CountedOutcome(subject="m", month="2026-11", truth=truth, said=said, sent=sent, n=n)


def row_of(figure: FigureView) -> tuple[float | None, ...]:
    return figure.value, figure.low, figure.high, figure.n


def test_the_figures_are_those_of_the_textbook() -> None:
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
    assert row_of(figures_of([]).named_sensitivity) == (None, None, None, 0)
