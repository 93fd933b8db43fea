import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.languages import LANGUAGES, Language, lower_first
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.model.bands import RaisedBy, is_sent, severity_rank
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Context
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import (
    LEAST_SHARE,
    RankedCondition,
    RestatedProbabilities,
    as_mapping,
    rank,
    say_chance,
    say_share,
    say_share_of,
)
from tests.support.findings import EIGHT, finding_of
from tests.support.size import size
from tests.support.wording import jargon_in

WORDS = conditions_table().notices.headline
MOLE, BASAL, MELANOMA = "melanocytic_nevus", "basal_cell_carcinoma", "melanoma"
KERATOSIS = "actinic_keratosis"
LITTLE_TESTED = "A doctor should look at it, because this check was tried on too few such pictures."
REVIEW: dict[str, Any] = {"band": Band.DOCTOR_REVIEW}


def found(shares: dict[str, float], **fields: Any) -> Finding:
    """A dermatofibroma gets the remaining probability."""
    rest = {"dermatofibroma": 1 - sum(shares.values())}
    ranked = rank({**rest, **shares})
    return finding_of(fields.pop("stated", ranked[0].key), ranked=ranked, **fields)


def sent_by_checklist(share: str) -> str:
    return WORDS.doctor_sent_for["checklist"].en.format(share=share)


def said(finding: Finding) -> tuple[str, str]:
    return finding.headline.for_patient.en, finding.headline.for_doctor.en


@pytest.mark.parametrize("reasons", [(), (Doubt.TOO_CLOSE,)])
def test_a_mole_that_may_be_a_carcinoma_is_headed_by_both(reasons: tuple[Doubt, ...]) -> None:
    shares = {MOLE: 0.43, "benign_keratosis": 0.35, BASAL: 0.16}
    rules = (RaisedBy.UNCERTAIN,) if reasons else (RaisedBy.MALIGNANT,)
    stated = BASAL if reasons else MOLE
    finding = found(shares, stated=stated, raised_by=rules, reasons=reasons, **REVIEW)
    assert said(finding) == (
        "Most likely a mole. A skin cancer cannot be ruled out.",
        "Most likely melanocytic nevus (43%). Not ruled out: basal cell carcinoma (16%).",
    )


@pytest.mark.parametrize(
    ("finding", "patient", "doctor"),
    [
        (
            found({BASAL: 0.8, MELANOMA: 0.1}, band=Band.REFERRAL),
            "Most likely a basal cell carcinoma.",
            "Most likely basal cell carcinoma (80%).",
        ),
        (
            found({BASAL: 0.5, MELANOMA: 0.3}, band=Band.REFERRAL),
            "Most likely a basal cell carcinoma. A melanoma cannot be ruled out.",
            "Most likely basal cell carcinoma (50%). Not ruled out: melanoma (30%).",
        ),
        (
            found({MOLE: 0.9, MELANOMA: 0.05, BASAL: 0.04}, raised_by=(RaisedBy.MALIGNANT,)),
            "Most likely a mole. A skin cancer cannot be ruled out.",
            "Most likely melanocytic nevus (90%). Not ruled out: melanoma (5%).",
        ),
        (
            found({MOLE: 0.9, MELANOMA: 0.02, BASAL: 0.04}, raised_by=(RaisedBy.MALIGNANT,)),
            "Most likely a mole. A skin cancer cannot be ruled out.",
            "Most likely melanocytic nevus (90%). Not ruled out: a skin cancer (all together 6%).",
        ),
        (
            found({MOLE: 0.6, "benign_keratosis": 0.4}, raised_by=(RaisedBy.CHECKLIST,)),
            f"Most likely a mole. {WORDS.sent_for['checklist'].en}",
            f"Most likely melanocytic nevus (60%). {sent_by_checklist('<1%')}",
        ),
        (
            found({MOLE: 0.97}, raised_by=(RaisedBy.LITTLE_TESTED,), **REVIEW),
            f"Most likely a mole. {LITTLE_TESTED}",
            f"Most likely melanocytic nevus (97%). {WORDS.doctor_sent_for['little_tested'].en}",
        ),
        (
            found({MOLE: 0.97}, raised_by=(RaisedBy.CHECKLIST,), reasons=(Doubt.UNLIKE_TRAINING,)),
            "Most likely a mole. A skin cancer cannot be ruled out.",
            "Most likely melanocytic nevus (97%). Not ruled out: a skin cancer (all together <1%).",
        ),
        (
            found({NORMAL_SKIN: 0.9}, band=Band.SELF_MONITORING),
            "The check recognised none of the kinds of spot that it knows.",
            "Most likely normal skin (90%).",
        ),
    ],
)
def test_the_headline_is_honest_about_why_a_doctor_should_look(
    finding: Finding, patient: str, doctor: str
) -> None:
    assert said(finding) == (patient, doctor)


def test_answers_about_the_spot_take_no_cancer_out_of_the_headline() -> None:
    faint = {"benign_keratosis": 0.9, BASAL: 0.04, MELANOMA: 0.02, "actinic_keratosis": 0.04}
    headline = found(faint, raised_by=(RaisedBy.CHECKLIST,)).headline
    assert "a skin cancer cannot be ruled out" in headline.for_patient.en
    assert "on ne peut pas exclure un cancer de la peau" in headline.for_patient.fr
    assert "Not ruled out: a skin cancer (all together 10%)." in headline.for_doctor.en
    assert headline.for_cancer
    basal = {"benign_keratosis": 0.85, BASAL: 0.14, MELANOMA: 0.01}
    without = found(basal, band=Band.REFERRAL, raised_by=(RaisedBy.BASAL_CELL_CARCINOMA,)).headline
    told = found(basal, raised_by=(RaisedBy.CHECKLIST,)).headline
    assert told.named == without.named == RankedCondition(key=BASAL, probability=0.14)


def test_a_carcinoma_is_graver_than_a_keratosis_that_is_told_from_squamous_ones() -> None:
    keratosis, squamous = "actinic_keratosis", "squamous_cell_carcinoma"
    basal = found({BASAL: 0.5, keratosis: 0.4, squamous: 0.02}).headline
    assert basal.for_patient.en == "Most likely a basal cell carcinoma."
    turned = found({keratosis: 0.5, BASAL: 0.4, squamous: 0.02}).headline
    assert (turned.likely.key, turned.named.key) == (keratosis, BASAL)
    # A model without an output for the squamous one counts it as the keratosis.
    joined = found({BASAL: 0.5, keratosis: 0.4}).headline
    assert joined.named.key == keratosis


def test_where_cancers_have_more_than_half_together_they_stand_first() -> None:
    squamous = "squamous_cell_carcinoma"
    shares = {"benign_keratosis": 0.39, BASAL: 0.3, MELANOMA: 0.16, squamous: 0.15}
    headline = found(shares, raised_by=(RaisedBy.MELANOMA,)).headline
    assert headline.for_patient.en == (
        "More likely than not a skin cancer, or something that can become one. A melanoma cannot "
        "be ruled out."
    )
    assert headline.for_doctor.en == (
        "More likely than not a skin cancer, or something that can become one (all together 61%). "
        "Not ruled out: melanoma (16%), squamous cell carcinoma (15%), basal cell carcinoma (30%). "
        "Most likely of all single conditions: benign keratosis (39%)."
    )
    assert headline.for_patient.fr.startswith(
        "Un cancer de la peau, ou une lésion qui peut le devenir, est plus"
    )
    assert headline.named.key == MELANOMA
    # None has a third of the mole's share, and still one is named.
    even = {MOLE: 0.46, BASAL: 0.13, MELANOMA: 0.14, squamous: 0.13, "actinic_keratosis": 0.13}
    assert found(even, **REVIEW).headline.named.key == MELANOMA


@pytest.mark.parametrize(
    ("shares", "rule", "milder"),
    [
        ({MOLE: 0.59, BASAL: 0.22, MELANOMA: 0.147}, RaisedBy.BASAL_CELL_CARCINOMA, BASAL),
        ({MOLE: 0.7, MELANOMA: 0.135, KERATOSIS: 0.095}, RaisedBy.ACTINIC_KERATOSIS, KERATOSIS),
    ],
)
def test_a_melanoma_stands_before_a_milder_cancer_that_is_not_twice_as_probable(
    shares: dict[str, float], rule: RaisedBy, milder: str
) -> None:
    finding = found(shares, band=Band.REFERRAL, raised_by=(rule,))
    headline = finding.headline
    assert [item.key for item in headline.not_ruled_out] == [MELANOMA, milder]
    assert headline.named.key == MELANOMA
    sections = write_template(Facts.from_finding(finding, Context()), "en").sections
    early = conditions_table().by_key(MELANOMA).sentences["en"].why_early
    assert sections.importance_of_early_detection == f"If it is a melanoma: {lower_first(early)}"
    for words in (
        finding.band_words("en"),
        Facts.from_finding(finding, Context()).band_words("en"),
    ):
        assert words.label == "See a doctor within two weeks"
        assert words.doctor_action.startswith("Consider the suspected-cancer pathway")


def some_finding(outputs: Sequence[str]) -> st.SearchStrategy[Finding]:
    def made(weights: list[float], band: Band, rules: list[RaisedBy], stated: str) -> Finding:
        whole = math.fsum(weights)
        shares = dict(zip(outputs, [weight / whole for weight in weights], strict=True))
        raised = tuple(rules) or (RaisedBy.MALIGNANT,)
        return finding_of(stated, ranked=rank(shares), band=band, raised_by=raised)

    rules = [RaisedBy.MELANOMA, RaisedBy.BASAL_CELL_CARCINOMA, RaisedBy.MALIGNANT]
    return st.builds(
        made,
        st.lists(st.floats(0.001, 1), min_size=len(outputs), max_size=len(outputs)),
        st.sampled_from(Band),
        st.lists(st.sampled_from([*rules, RaisedBy.CHECKLIST]), unique=True),
        st.sampled_from(outputs),
    )


@given(some_finding(EIGHT) | some_finding(conditions_table().keys))
@settings(max_examples=size(100, 2000), deadline=None)
def test_of_any_probabilities_no_graver_cancer_is_left_out(finding: Finding) -> None:
    headline, outputs = finding.headline, [entry.key for entry in finding.ranked]
    shares = as_mapping(finding.ranked)
    malignant = conditions_table().malignant_keys & {*outputs}
    if not is_sent(finding.band):
        assert headline.keys == (headline.likely.key,)
        return
    named = malignant & {*headline.keys}
    for key in named:
        rank_of_named = severity_rank(key, outputs)
        graver = {item for item in malignant if severity_rank(item, outputs) < rank_of_named}
        least = max(LEAST_SHARE, shares[key] / 2)
        assert {item for item in graver if shares[item] >= least} <= named
    if named:
        assert headline.named.key == min(named, key=lambda key: severity_rank(key, outputs))
    if sum(shares[key] for key in malignant) > 0.5001:
        assert named
        first = WORDS.likely if headline.likely.key in malignant else WORDS.mostly
        assert headline.for_patient.en.startswith(first.en.partition("{")[0])


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        (("change_in_size",), "it has changed in size"),
        (("oozing", "change_in_sensation"), "it is wet or bleeding and it itches or hurts"),
    ],
)
def test_what_was_told_is_the_reason_in_the_headline(signs: tuple[str, ...], told: str) -> None:
    shares = {MOLE: 0.97, MELANOMA: 0.01}
    rules = {"raised_by": (RaisedBy.TOLD_SIGNS,), "told_signs": signs}
    headline = found(shares, **rules, **REVIEW).headline
    assert headline.for_patient.en == (
        f"Most likely a mole. You told us that {told}: show it to a doctor."
    )
    assert "Montrez la tache à un médecin." in headline.for_patient.fr
    assert "All cancers together: 1%." in headline.for_doctor.en


def test_french_names_have_their_articles() -> None:
    finding = found({MOLE: 0.86, MELANOMA: 0.125}, raised_by=(RaisedBy.MELANOMA,))
    assert finding.headline.for_patient.fr == (
        "Il s'agit le plus probablement d'un grain de beauté. On ne peut pas exclure un cancer de"
        " la peau."
    )
    assert finding.headline.for_doctor.fr == (
        "Le plus probable\u00a0: naevus mélanocytaire (86 %). Non exclu\u00a0: mélanome (13 %)."
    )


def test_what_one_picture_alone_shows_cannot_be_ruled_out() -> None:
    alone = RankedCondition(key=BASAL, probability=0.67)
    shares = {MOLE: 0.9, BASAL: 0.01}
    finding = found(shares, raised_by=(RaisedBy.PICTURE,), alone=alone, **REVIEW)
    assert (finding.headline.not_ruled_out, finding.headline.named) == ((alone,), alone)
    assert said(finding) == (
        f"Most likely a mole. {WORDS.by_picture.en.format(name='a basal cell carcinoma')}",
        (
            "Most likely melanocytic nevus (90%). Not ruled out: basal cell carcinoma (67% in one "
            "picture)."
        ),
    )
    faint = finding.model_copy(update={"alone": RankedCondition(key=BASAL, probability=0.3)})
    assert said(faint)[0] == "Most likely a mole. A skin cancer cannot be ruled out."


def test_where_probabilities_are_restated_people_read_those_and_the_finding_decides() -> None:
    own, shown = {MELANOMA: 0.6, MOLE: 0.4}, {MELANOMA: 0.05, MOLE: 0.95}
    restated = RestatedProbabilities.from_probabilities(shown, None, 0.02)
    finding = finding_of(MELANOMA, ranked=rank(own), restated=restated)
    assert said(finding) == (
        "Most likely a mole. A skin cancer cannot be ruled out.",
        "Most likely melanocytic nevus (95%). Not ruled out: melanoma (5%).",
    )
    turned = RestatedProbabilities.from_probabilities({MELANOMA: 0.7, MOLE: 0.3}, None, 0.9)
    spared = finding_of(MOLE, ranked=rank({MOLE: 0.8, MELANOMA: 0.2}), restated=turned)
    spared = spared.model_copy(update={"band": Band.SELF_MONITORING})
    assert said(spared)[0] == "Most likely a mole."


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_a_patients_headline_is_a_doctors(language: Language) -> None:
    said = [WORDS.likely, WORDS.nothing_recognised, WORDS.not_ruled_out, WORDS.cancer]
    said += [WORDS.mostly, conditions_table().checklist.result.told]
    said += [*WORDS.sent_for.values(), *(names.patient for names in WORDS.names.values())]
    assert jargon_in(" ".join(item.in_language(language) for item in said), language) == []


def test_every_condition_has_a_name_within_a_sentence() -> None:
    assert WORDS.names.keys() == set(conditions_table().keys)


@pytest.mark.parametrize(
    ("share", "malignant", "chance", "percent"),
    [
        (0.004, False, "less than 1 in 100", "<1%"),
        (0.0949, False, "about 9 in 100", "9%"),
        (0.194, False, "about 19 in 100", "19%"),
        (0.195, False, "about 2 in 10", "20%"),
        (0.949, False, "more than 9 in 10", "95%"),
        (0.9999, False, "more than 9 in 10", ">99%"),
        (0.0101, True, "about 2 in 100", "2%"),
        (0.07, True, "about 7 in 100", "7%"),
        (0.142, True, "about 15 in 100", "15%"),
        (0.449, True, "about 5 in 10", "45%"),
    ],
)
def test_a_probability_is_read_in_whole_numbers_and_that_of_a_cancer_is_rounded_up(
    share: float, malignant: bool, chance: str, percent: str
) -> None:
    assert say_chance(share, malignant=malignant).en == chance
    assert say_share(share, malignant=malignant).en == percent
    key = MELANOMA if malignant else MOLE
    assert say_share_of(key, share) == say_share(share, malignant=malignant)


@pytest.mark.parametrize(
    ("share", "band", "named"),
    [
        (0.03, Band.DOCTOR_REVIEW, [MELANOMA]),
        (0.029, Band.DOCTOR_REVIEW, []),
        (0.03, Band.ROUTINE, []),
    ],
)
def test_a_melanoma_of_three_percent_of_a_mole_is_named_where_a_doctor_is_to_look(
    share: float, band: Band, named: list[str]
) -> None:
    finding = found({MOLE: 0.9, MELANOMA: share}, band=band, raised_by=(RaisedBy.MALIGNANT,))
    assert [item.key for item in finding.headline.not_ruled_out] == named
    assert finding.one_name == RankedCondition(key=MOLE, probability=0.9)


def test_a_client_of_one_name_shows_what_the_headline_calls_likely_unless_cancer_is() -> None:
    carcinoma = found({BASAL: 0.5, MELANOMA: 0.3}, band=Band.REFERRAL).headline
    assert (carcinoma.named.key, carcinoma.one_name.key) == (MELANOMA, BASAL)
    mostly = found({MOLE: 0.4, BASAL: 0.3, MELANOMA: 0.3}, raised_by=(RaisedBy.MALIGNANT,)).headline
    assert mostly.mostly_malignant
    assert mostly.one_name == RankedCondition(key=MELANOMA, probability=0.3)


def test_of_what_does_not_look_like_skin_a_patient_reads_no_condition_and_a_doctor_a_mark() -> None:
    finding = finding_of(probability=0.98, reasons=(Doubt.NOT_SURELY_SKIN,))
    told = finding.model_copy(update={"from_picture": found({MELANOMA: 0.41}).ranked})
    patient, doctor = said(told)
    assert patient == WORDS.not_skin.en
    assert doctor == f"{WORDS.doctor_not_skin.en} Most likely melanoma (98%)."
    assert told.facts_effect is None
    beside = found({MOLE: 0.5, MELANOMA: 0.4}, reasons=(Doubt.NOT_SURELY_SKIN,))
    assert beside.headline.not_ruled_out == (), "no program reads a cancer of it"
