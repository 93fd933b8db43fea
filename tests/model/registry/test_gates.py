"""The gates of a promotion: nothing worse beyond its interval, nothing that was not measured."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_args

import pytest

from skinapi.model.network.model import SHIPPED_MODEL, read_card
from skinapi.model.registry.card_figures import figures_of_gates
from skinapi.model.registry.gates import (
    FEWEST_LESIONS,
    ComparedPart,
    Figure,
    Gate,
    GateName,
    Outcome,
    PairedComparison,
    PairedDifference,
    ReferenceData,
    VersionFigures,
    judge_gates,
)
from skinapi.platform.storage.ids import now

PART = "p:100"
SAME = PairedDifference(first=0.5, second=0.5, low=-0.01, high=0.01)
FIGURES = {
    GateName.MELANOMA_SENSITIVITY: Figure(value=0.94, low=0.91, high=0.96),
    GateName.BASAL_CELL_CARCINOMA_SENSITIVITY: Figure(value=0.94, low=0.91, high=0.96),
    GateName.ACTINIC_KERATOSIS_SENSITIVITY: Figure(value=0.94, low=0.91, high=0.96),
    GateName.SPECIFICITY: Figure(value=0.7, low=0.68, high=0.72),
    GateName.ECE: Figure(value=0.02, low=0.015, high=0.04),
    GateName.REFUSED_SHARE: Figure(value=0.01, low=0.005, high=0.02),
}


def measured(
    version: str = "new",
    *comparisons: PairedComparison,
    changed: Mapping[str, float | None] = MappingProxyType({}),
) -> VersionFigures:
    """The figures above, but these; None for one that is missing."""
    figures = {
        name: figure.model_copy(update={"value": changed.get(name.value, figure.value)})
        for name, figure in FIGURES.items()
        if changed.get(name.value, 1) is not None
    }
    return VersionFigures(version=version, test_part=PART, figures=figures, comparisons=comparisons)


OWN_PART = "its own test part and cannot vouch for it"


REFERENCE = ReferenceData(dataset="held back", pictures=120)


def paired(
    first_version: str = "old",
    differences: Mapping[str, PairedDifference | None] = MappingProxyType({}),
    part: ComparedPart = "reference",
    reference: ReferenceData | None = REFERENCE,
) -> PairedComparison:
    given = {name: differences.get(name.value, SAME) for name in GateName}
    return PairedComparison(
        first_version=first_version,
        test_part="p",
        pictures=100,
        lesions=90,
        measured_at=now(),
        part=part,
        reference=reference if part == "reference" else None,
        differences={name: each for name, each in given.items() if each},
    )


def outcomes(candidate: VersionFigures, serving: VersionFigures | None = None) -> dict[str, str]:
    gates = judge_gates(candidate, serving or measured("old"), reference=REFERENCE)
    assert [gate.name for gate in gates] == list(GateName)
    assert all(gate.says for gate in gates)
    return {gate.name.value: gate.outcome.value for gate in gates}


def one(name: GateName, candidate: VersionFigures) -> Gate:
    gates = judge_gates(candidate, measured("old"), reference=REFERENCE)
    return next(gate for gate in gates if gate.name is name)


NOTHING_MEASURED = {
    name.value: "passed" if name is GateName.OTHER_PICTURES else "not_measured" for name in GateName
}
ALL_PASSED = dict.fromkeys((name.value for name in GateName), "passed")


def test_a_paired_comparison_without_anything_worse_passes_all() -> None:
    assert outcomes(measured("new", paired())) == ALL_PASSED


@pytest.mark.parametrize(
    ("name", "low", "high", "outcome"),
    [
        ("melanoma_sensitivity", -0.05, -0.01, "worse"),
        ("melanoma_sensitivity", -0.05, 0.01, "passed"),
        ("basal_cell_carcinoma_sensitivity", -0.05, -0.01, "worse"),
        ("actinic_keratosis_sensitivity", -0.05, -0.01, "worse"),
        ("specificity", -0.05, -0.01, "worse"),
        ("specificity", -0.01, 0.05, "passed"),
        ("melanoma_sensitivity", 0.01, 0.05, "passed"),
        ("ece", 0.001, 0.02, "worse"),
        ("ece", -0.001, 0.02, "passed"),
        ("refused_share", 0.001, 0.02, "worse"),
    ],
)
def test_worse_is_where_the_whole_interval_is_on_the_worse_side(
    name: str, low: float, high: float, outcome: str
) -> None:
    difference = PairedDifference(first=1.0, second=1.0, low=low, high=high)
    assert outcomes(measured("new", paired(differences={name: difference}))) == {
        **ALL_PASSED,
        name: outcome,
    }


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("melanoma_sensitivity", 0.90, "worse"),
        ("melanoma_sensitivity", 0.92, "passed"),
        ("ece", 0.05, "worse"),
        ("ece", 0.03, "passed"),
        ("refused_share", 0.03, "worse"),
        ("refused_share", 0.0, "passed"),
    ],
)
def test_two_cards_of_one_test_part_are_compared_by_the_interval_of_the_one_in_service(
    name: str, value: float, outcome: str
) -> None:
    found = outcomes(measured(changed={name: value}))
    assert found == {**ALL_PASSED, name: outcome}


@pytest.mark.parametrize(
    ("name", "first", "second", "outcome"),
    [
        ("melanoma_sensitivity", 0.95, 0.91, "worse"),
        ("melanoma_sensitivity", 0.95, 0.93, "passed"),
        ("basal_cell_carcinoma_sensitivity", 0.95, 0.85, "worse"),
        ("actinic_keratosis_sensitivity", 0.95, 0.85, "worse"),
        ("specificity", 0.7, 0.6, "worse"),
        ("ece", 0.02, 0.06, "worse"),
        ("refused_share", 0.01, 0.04, "worse"),
    ],
)
def test_more_than_may_be_lost_is_worse_even_where_nothing_is_proven(
    name: str, first: float, second: float, outcome: str
) -> None:
    unsure = PairedDifference(first=first, second=second, low=-1, high=1)
    found = outcomes(measured("new", paired(differences={name: unsure})))
    assert found == {**ALL_PASSED, name: outcome}


def test_a_comparison_on_the_own_test_part_alone_decides_nothing() -> None:
    candidate = VersionFigures(version="new", comparisons=(paired(part="test"),))
    found = outcomes(candidate)
    assert {name for name, outcome in found.items() if outcome == "passed"} == {"other_pictures"}
    assert OWN_PART in one(GateName.SPECIFICITY, candidate).says


def test_a_model_that_accepts_pictures_without_skin_is_worse_than_one_that_refuses_them() -> None:
    refusing = measured("old").model_copy(update={"refuses_other_pictures": True})
    candidate = measured("new", paired())
    assert outcomes(candidate, refusing)["other_pictures"] == "worse"
    both = candidate.model_copy(update={"refuses_other_pictures": True})
    assert outcomes(both, refusing) == ALL_PASSED
    assert outcomes(both) == ALL_PASSED


def test_a_share_of_few_lesions_is_no_figure() -> None:
    def card(pictures: int) -> Any:
        return {"bands": {"melanoma": {"sensitivity": 1.0}}, "per_class": {"mel": {"n": pictures}}}

    assert GateName.MELANOMA_SENSITIVITY in figures_of_gates(card(FEWEST_LESIONS))
    assert figures_of_gates(card(FEWEST_LESIONS - 1)) == {}


@pytest.mark.parametrize("name", ["melanoma_sensitivity", "ece", "refused_share"])
def test_a_figure_that_is_missing_is_not_passed(name: str) -> None:
    assert outcomes(measured(changed={name: None}))[name] == "not_measured"
    assert outcomes(measured(), measured("old", changed={name: None}))[name] == "not_measured"
    lacking = measured("new", paired(differences={name: None}), changed={name: None})
    assert outcomes(lacking)[name] == "not_measured"


WORSE = PairedDifference(first=0.9, second=0.7, low=-0.3, high=-0.1)


@pytest.mark.parametrize("worse_on", ["test", "reference"])
def test_what_is_worse_on_the_own_test_part_or_on_the_reference_is_worse(worse_on: str) -> None:
    comparisons = [
        paired(part=part, differences={"melanoma_sensitivity": WORSE} if part == worse_on else {})
        for part in get_args(ComparedPart)
    ]
    gate = one(GateName.MELANOMA_SENSITIVITY, measured("new", *comparisons))
    assert gate.outcome is Outcome.WORSE
    assert ("reference" in gate.says) == (worse_on == "reference")


def test_figures_of_other_pictures_are_not_compared() -> None:
    other = VersionFigures(version="new", test_part="p:99", figures=FIGURES)
    assert outcomes(other) == NOTHING_MEASURED
    assert "not measured on the same pictures" in one(GateName.ECE, other).says


def test_a_comparison_with_a_model_that_is_not_in_service_does_not_count() -> None:
    candidate = VersionFigures(version="new", comparisons=(paired("older"),))
    assert outcomes(candidate) == NOTHING_MEASURED
    assert "older, which is not in service" in one(GateName.ECE, candidate).says


def test_a_comparison_that_does_not_name_its_reference_counts_for_none() -> None:
    candidate = VersionFigures(version="new", comparisons=(paired(reference=None),))
    for reference in (None, REFERENCE):
        gates = judge_gates(candidate, measured("old"), reference=reference)
        assert {gate.name.value: gate.outcome.value for gate in gates} == NOTHING_MEASURED


def test_without_a_model_in_service_nothing_is_passed() -> None:
    gates = judge_gates(measured("new", paired()), None, reference=REFERENCE)
    assert {gate.outcome for gate in gates} == {Outcome.NOT_MEASURED}


def test_the_figures_are_read_from_the_card_that_training_writes() -> None:
    written = read_card(SHIPPED_MODEL).figures["test"]
    figures = figures_of_gates(written)
    sensitivity = figures[GateName.MELANOMA_SENSITIVITY]
    assert sensitivity.value == written["bands"]["melanoma"]["sensitivity"]
    assert sensitivity.low < sensitivity.value < sensitivity.high
    assert figures.keys() == {*GateName} - {GateName.OTHER_PICTURES}


def broken(path: tuple[str, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    def act(figures: dict[str, Any]) -> None:
        *parents, last = path
        for name in parents:
            figures = figures[name]
        figures[last] = value

    return act


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (broken(("ece",), None), GateName.ECE),
        (broken(("ece",), True), GateName.ECE),
        (broken(("ece_interval",), [0.1]), GateName.ECE),
        (broken(("ece_interval",), ["a", "b"]), GateName.ECE),
        (broken(("bands",), []), GateName.MELANOMA_SENSITIVITY),
        (broken(("bands", "melanoma", "sensitivity"), 7), GateName.MELANOMA_SENSITIVITY),
        (broken(("per_class", "mel", "n"), 0), GateName.MELANOMA_SENSITIVITY),
        (broken(("refusals",), "none"), GateName.REFUSED_SHARE),
    ],
)
def test_a_figure_that_is_not_as_evaluate_writes_it_is_left_out(
    change: Callable[[dict[str, Any]], None], lacks: GateName
) -> None:
    figures = {
        "ece": 0.02,
        "ece_interval": [0.01, 0.03],
        "bands": {"melanoma": {"sensitivity": 0.9}},
        "per_class": {"mel": {"n": 300}},
        "refusals": {"refused_share": 0.1, "refused_share_interval": [0.0, 0.2]},
    }
    whole = figures_of_gates(figures)
    change(figures)
    assert whole.keys() - figures_of_gates(figures).keys() == {lacks}
