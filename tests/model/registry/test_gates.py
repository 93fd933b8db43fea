from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

import pytest

from skinapi.model.registry.gates import (
    ComparedPart,
    ComparedVersion,
    Gate,
    GateName,
    Outcome,
    PairedComparison,
    PairedDifference,
    ReferenceData,
    judge_gates,
)
from skinapi.platform.storage.ids import now

SAME = PairedDifference(first=0.5, second=0.5, low=-0.01, high=0.01)


def measured(version: str = "new", *comparisons: PairedComparison) -> ComparedVersion:
    return ComparedVersion(version=version, comparisons=comparisons)


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
        pictures=100,
        lesions=90,
        measured_at=now(),
        part=part,
        reference=reference if part == "reference" else None,
        differences={name: each for name, each in given.items() if each},
    )


def outcomes(candidate: ComparedVersion, serving: ComparedVersion | None = None) -> dict[str, str]:
    gates = judge_gates(candidate, serving or measured("old"), reference=REFERENCE)
    assert [gate.name for gate in gates] == list(GateName)
    assert all(gate.says for gate in gates)
    return {gate.name.value: gate.outcome.value for gate in gates}


def one(name: GateName, candidate: ComparedVersion) -> Gate:
    gates = judge_gates(candidate, measured("old"), reference=REFERENCE)
    return next(gate for gate in gates if gate.name is name)


NOTHING_MEASURED = {
    name.value: "passed" if name is GateName.OTHER_PICTURES else "not_measured" for name in GateName
}
ALL_PASSED = dict.fromkeys((name.value for name in GateName), "passed")


@pytest.mark.parametrize(
    ("name", "difference", "outcome"),
    [
        # The whole interval is on the worse side.
        ("melanoma_sensitivity", (1, 1, -0.05, -0.01), "worse"),
        ("basal_cell_carcinoma_sensitivity", (1, 1, -0.05, -0.01), "worse"),
        ("actinic_keratosis_sensitivity", (1, 1, -0.05, -0.01), "worse"),
        ("specificity", (1, 1, -0.05, -0.01), "worse"),
        ("ece", (1, 1, 0.001, 0.02), "worse"),
        ("refused_share", (1, 1, 0.001, 0.02), "worse"),
        ("melanoma_sensitivity", (1, 1, -0.05, 0.01), "passed"),
        ("melanoma_sensitivity", (1, 1, 0.01, 0.05), "passed"),
        ("specificity", (1, 1, -0.01, 0.05), "passed"),
        ("ece", (1, 1, -0.001, 0.02), "passed"),
        # More is lost than is allowed, though nothing is proven.
        ("melanoma_sensitivity", (0.95, 0.91, -1, 1), "worse"),
        ("melanoma_sensitivity", (0.95, 0.93, -1, 1), "passed"),
        ("basal_cell_carcinoma_sensitivity", (0.95, 0.85, -1, 1), "worse"),
        ("actinic_keratosis_sensitivity", (0.95, 0.85, -1, 1), "worse"),
        ("specificity", (0.7, 0.6, -1, 1), "worse"),
        ("ece", (0.02, 0.06, -1, 1), "worse"),
        ("refused_share", (0.01, 0.04, -1, 1), "worse"),
    ],
)
def test_worse_is_what_is_proven_worse_or_lost_too_much(
    name: str, difference: tuple[float, float, float, float], outcome: str
) -> None:
    first, second, low, high = difference
    changed = PairedDifference(first=first, second=second, low=low, high=high)
    found = outcomes(measured("new", paired(differences={name: changed})))
    assert found == {**ALL_PASSED, name: outcome}


def test_a_comparison_on_the_own_test_part_alone_decides_nothing() -> None:
    candidate = measured("new", paired(part="test"))
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


def test_a_figure_that_is_missing_is_not_passed() -> None:
    lacking = measured("new", paired(differences={"ece": None}))
    assert outcomes(lacking) == {**ALL_PASSED, "ece": "not_measured"}


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


def test_a_comparison_with_a_model_that_is_not_in_service_does_not_count() -> None:
    candidate = measured("new", paired("older"))
    assert outcomes(candidate) == NOTHING_MEASURED
    assert "older, which is not in service" in one(GateName.ECE, candidate).says


def test_a_comparison_that_does_not_name_its_reference_counts_for_none() -> None:
    candidate = measured("new", paired(reference=None))
    for reference in (None, REFERENCE):
        gates = judge_gates(candidate, measured("old"), reference=reference)
        assert {gate.name.value: gate.outcome.value for gate in gates} == NOTHING_MEASURED


def test_without_a_model_in_service_nothing_is_passed() -> None:
    gates = judge_gates(measured("new", paired()), None, reference=REFERENCE)
    assert {gate.outcome for gate in gates} == {Outcome.NOT_MEASURED}
