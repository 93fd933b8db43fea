from typing import Any

import pytest

from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band
from skinapi.model.facts_effect import FactsEffect
from skinapi.model.finding import Doubt
from skinapi.model.headline import RankedCondition, RestatedProbabilities, rank
from skinapi.model.patient_facts import Fact
from tests.support.findings import finding_of

MOLE, MELANOMA, BASAL = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
REVIEW: dict[str, Any] = {"band": Band.DOCTOR_REVIEW, "raised_by": (RaisedBy.MALIGNANT,)}


def shares(mole: float, melanoma: float) -> tuple[RankedCondition, ...]:
    return rank({MOLE: mole, MELANOMA: melanoma, "benign_keratosis": 1 - mole - melanoma})


LIKELIER: dict[str, Any] = {
    "ranked": shares(0.86, 0.05),
    "from_picture": shares(0.71, 0.12),
    "moved_by": (Fact.AGE, Fact.BODY_SITE),
    **REVIEW,
}
CANCERS = rank({MOLE: 0.45, MELANOMA: 0.3, BASAL: 0.25})
CARCINOMA = rank({MOLE: 0.05, MELANOMA: 0.25, BASAL: 0.7})
MELANOMA_LIKELIER: dict[str, Any] = {
    "ranked": shares(0.2, 0.7),
    "from_picture": shares(0.4, 0.5),
    "moved_by": (Fact.AGE,),
    "band": Band.URGENT_REFERRAL,
}


def effect_of(key: str = MOLE, **fields: Any) -> FactsEffect | None:
    return finding_of(key, **fields).facts_effect


@pytest.mark.parametrize(
    ("key", "fields", "first", "figures"),
    [
        (MOLE, {}, "At your age and at this place a mole is more likely", "86 instead of 71"),
        (
            MOLE,
            {"moved_by": tuple(Fact)},
            (
                "At your age, for your sex, at this place and with what you told of the spot a "
                "mole is more likely"
            ),
            "86 instead of 71",
        ),
        (
            MOLE,
            {"ranked": shares(0.6, 0.1), "moved_by": (), **REVIEW},
            "With what you told a mole is less likely",
            "60 instead of 71",
        ),
        (
            MOLE,
            {"ranked": shares(0.996, 0.001), "moved_by": (Fact.SEX,)},
            "For your sex a mole is more likely",
            "more than 99 instead of 71",
        ),
        (
            MOLE,
            {
                "restated": RestatedProbabilities.from_probabilities(
                    {MOLE: 0.95, MELANOMA: 0.05}, {MOLE: 0.9, MELANOMA: 0.1}, 0.02
                )
            },
            "At your age and at this place a mole is more likely",
            "95 instead of 90",
        ),
        (MELANOMA, MELANOMA_LIKELIER, "At your age a melanoma is more likely", "70 instead of 50"),
    ],
)
def test_a_patient_reads_what_the_facts_changed(
    key: str, fields: dict[str, Any], first: str, figures: str
) -> None:
    effect = effect_of(key, **LIKELIER | fields)
    assert effect
    assert effect.for_patient
    said = f"{first} than the picture alone tells: {figures} in 100."
    assert effect.for_patient.en == said


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (MOLE, {"band": Band.URGENT_REFERRAL}),
        (MOLE, {"band": Band.REFERRAL}),
        (MOLE, {"reasons": (Doubt.UNLIKE_TRAINING,)}),
        (MOLE, {"told_signs": ("inflammation",)}),
        (MELANOMA, MELANOMA_LIKELIER | {"from_picture": shares(0.1, 0.8)}),
        (BASAL, {"ranked": CARCINOMA, "from_picture": CANCERS, "band": Band.URGENT_REFERRAL}),
        (MOLE, {"from_picture": shares(0.862, 0.05)}),
        (MOLE, {"ranked": CANCERS, "from_picture": shares(0.4, 0.1)}),
    ],
)
def test_a_patient_reads_nothing_that_comforts_beside_an_alarm_and_nothing_where_it_is_alike(
    key: str, fields: dict[str, Any]
) -> None:
    effect = effect_of(key, **LIKELIER | fields)
    assert effect
    assert effect.for_patient is None


def test_a_doctor_reads_the_figures_by_the_picture_alone_and_what_moved_them() -> None:
    effect = effect_of(**LIKELIER | {"band": Band.REFERRAL, "raised_by": (RaisedBy.MELANOMA,)})
    assert effect
    assert effect.for_doctor
    assert effect.for_doctor.en == (
        "From the picture alone, without age and site: melanocytic nevus (71%), melanoma (12%)."
    )
    assert effect.for_doctor.fr.startswith("D'après l'image seule")
    assert effect_of() is None
    same = effect_of(**LIKELIER | {"from_picture": LIKELIER["ranked"]})
    assert same
    assert same.for_doctor is None
