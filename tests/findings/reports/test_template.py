import json
import re
from datetime import UTC, datetime
from itertools import chain, combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.languages import LANGUAGES, Language, lower_first
from skinapi.findings.reports.explanation import plan_explanation
from skinapi.findings.reports.facts import Facts, say_certainty
from skinapi.findings.reports.report import MOST_CHARACTERS, Sections
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.words import LABELS, SENTENCES, sentences_of
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.instruction_words import put_first
from skinapi.findings.status.spot import Certainty, LevelSource, Sample
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.bands import RaisedBy, band_of_condition, is_sent, most_urgent, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, Condition, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import probability_of, rank, say_share, say_share_of
from tests.findings.reports.facts import any_facts, facts_of, texts_of
from tests.support.findings import (
    CONTRADICTED,
    EIGHT,
    LITTLE_TESTED,
    TESTED,
    UNSURE,
    finding_of,
    restated_finding,
    told_finding,
)
from tests.support.size import in_drill, size

TABLE = conditions_table()
DOUBTS = list(chain.from_iterable(combinations(Doubt, count) for count in range(3)))
BOTH_TESTED = (TESTED, LITTLE_TESTED)
# That of a checklist without a sign: of all cases only the longest are taken outside the drill.
LONGEST_SCORES = (0, *in_drill(None, 7))
CANCER_RULES = (
    RaisedBy.MELANOMA,
    RaisedBy.SQUAMOUS_CELL_CARCINOMA,
    RaisedBy.BASAL_CELL_CARCINOMA,
    RaisedBy.ACTINIC_KERATOSIS,
)
REASSURING = ("no need to worry", "No hurry", "not cancer", "pas lieu de", "Rien ne presse")


def write_sections(finding: Finding, language: Language) -> Sections:
    return write_template(Facts.from_finding(finding, NOTHING_TOLD), language).sections


# Every rule that can ask for the band; one that was kept has not_dermoscopic for little_tested.
RULES = {
    Band.URGENT_REFERRAL: (RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE, RaisedBy.CHECKLIST),
    Band.REFERRAL: (
        RaisedBy.BASAL_CELL_CARCINOMA,
        RaisedBy.ACTINIC_KERATOSIS,
        RaisedBy.MOST_PROBABLE,
    ),
    Band.DOCTOR_REVIEW: (RaisedBy.MALIGNANT, RaisedBy.LITTLE_TESTED, RaisedBy.UNCERTAIN),
    Band.ROUTINE: (RaisedBy.MOST_PROBABLE,),
    Band.SELF_MONITORING: (RaisedBy.MOST_PROBABLE,),
}


def fits(finding: Finding, language: Language) -> bool:
    sections = write_sections(finding, language).model_dump().values()
    assert all(sections)
    return sum(len(section.encode("latin-1")) for section in sections) <= MOST_CHARACTERS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_all_sections_fit_the_angular_apps_pdf(key: str, language: Language) -> None:
    doubts_or_all = ((), tuple(Doubt), *in_drill(*DOUBTS))
    for band, doubts, score in product(Band, doubts_or_all, LONGEST_SCORES):
        fields: dict[str, Any] = {"band": band, "reasons": doubts, "checklist_score": score}
        modalities, tests = (UNSURE, CONTRADICTED, *in_drill(None)), (BOTH_TESTED, *in_drill(()))
        for modality, tested in product(modalities, tests):
            fields |= {"raised_by": RULES[band], "modality": modality, "tested": tested}
            assert fits(told_finding(key, **fields), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["melanoma", "melanocytic_nevus", *in_drill(*TABLE.keys)])
def test_below_a_decision_nothing_of_the_finding_is_described_and_all_fits_that_pdf(
    key: str, language: Language
) -> None:
    own = TABLE.by_key(key).sentences[language]
    for band, label in product(Band, set(TABLE.labels) - {key}):
        finding = told_finding(key, band=band, raised_by=RULES[band], checklist_score=0)
        decision = decision_of(label, sample=Sample.WAITING, photo_wanted=True)
        sections = write_sections(finding, language).model_dump()
        at, asked = decision.decided_at, decision.urgency
        advice = Instruction(LevelSource.REVIEW, asked, at, 7, decision=decision, photo_wanted=True)
        shown = put_first(sections, band, language, instruction=advice, decision=decision, number=7)
        whole = " ".join(shown.values())
        assert len(whole.encode("latin-1")) <= MOST_CHARACTERS
        assert own.what_it_is not in whole
        assert own.why_early not in whole
        assert TABLE.name(label, language) in shown["overview"]
        decided = TABLE.label(label)
        if isinstance(decided, Condition) and (decided.malignant or not is_sent(asked)):
            assert decided.sentences[language].why_early in whole


def decision_of(label: str, **fields: Any) -> Decision:
    given: dict[str, Any] = {
        "review": "1" * 32,
        "label": label,
        "urgency": TABLE.label(label).urgency,
        "certainty": Certainty.SURE,
        "sample": None,
        "photo_wanted": False,
        "instructs": True,
        "decided_at": datetime(2026, 11, 21, tzinfo=UTC),
        "decided_by": "Dr Ελένη Παπαδοπούλου",
        "doctor": "2" * 32,
    }
    return Decision(**{**given, **fields})


@pytest.mark.parametrize("language", LANGUAGES)
def test_notices_without_room_in_the_sections_stand_in_the_limits(language: Language) -> None:
    rules = RULES[Band.URGENT_REFERRAL]
    fields: dict[str, Any] = {"band": Band.URGENT_REFERRAL, "raised_by": rules}
    crowded = told_finding("basal_cell_carcinoma", reasons=tuple(Doubt), **fields)
    narrative = write_template(Facts.from_finding(crowded, NOTHING_TOLD), language)
    notices = [getattr(said, language) for said in crowded.notices]
    assert narrative.limits == tuple(notices)
    said = [notice in narrative.sections.confidence_explanation for notice in notices]
    assert said[:5] == [True, True, False, False, False], "of four doubts the first"
    assert not any(said[6:]), "the test figures"
    certain = Facts.from_finding(finding_of("melanoma"), NOTHING_TOLD)
    roomy = write_template(certain, language).sections.confidence_explanation
    unsure = getattr(TABLE.notices.modality_unsure, language)
    assert f"{unsure} {say_certainty(certain, language)} " in roomy


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_no_section_speaks_against_the_band(key: str, language: Language) -> None:
    for band in Band:
        finding = finding_of(key, band=band, raised_by=(RaisedBy.CHECKLIST,))
        sections = write_sections(finding, language)
        condition, action = TABLE.by_key(key), finding.band_words(language).action
        own = not condition.malignant and band is condition.urgency
        begins = condition.sentences[language].what_to_do if own else action
        assert sections.recommendation.startswith(begins)
        if urgency(band) < urgency(TABLE.by_key(key).urgency):
            advice = sections.recommendation + sections.importance_of_early_detection
            assert not any(words in advice for words in REASSURING)


@pytest.mark.parametrize(("language", "says"), [("en", "uncertain"), ("fr", "incertain")])
def test_the_first_sentence_says_that_a_finding_is_uncertain(language: Language, says: str) -> None:
    for doubts in DOUBTS:
        overview = write_sections(finding_of(reasons=doubts), language).overview
        if Doubt.NOT_SURELY_SKIN in doubts:
            assert overview.startswith(getattr(TABLE.notices.headline.not_skin, language))
            continue
        assert (says in overview.partition(".")[0]) == bool(doubts)


def test_a_patient_reads_no_percentage_and_the_findings_have_them() -> None:
    narrative = write_template(facts_of("melanoma", probability=0.9), "en")
    said = narrative.sections.confidence_explanation
    assert "The model's estimate: a melanoma (about 9 in 10)." in said
    assert said.count(" in 10") == 1, "all cancers together are as probable"
    assert narrative.findings[0] == "Most likely melanoma (90%)."
    mole = write_sections(finding_of("melanocytic_nevus", probability=0.6), "en")
    assert "Any skin cancer, or something that can become one: " in mole.confidence_explanation
    french = write_sections(finding_of("melanoma", probability=0.44), "fr").confidence_explanation
    assert "Estimation du modèle\u00a0: un mélanome (environ 4 sur 10)." in french


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_no_section_and_no_next_step_has_a_percentage_of_the_finding(
    key: str, language: Language
) -> None:
    texts = json.dumps(TABLE.model_dump(mode="json"), ensure_ascii=False)
    for band, doubts in product(Band, ((), tuple(Doubt))):
        rules = RULES[band]
        finding = told_finding(key, band=band, reasons=doubts, raised_by=rules, checklist_score=4)
        narrative = write_template(Facts.from_finding(finding, NOTHING_TOLD), language)
        read = [*narrative.sections.model_dump().values(), *narrative.next_steps]
        said = [item for text in read for item in sentences_of(text) if item not in texts]
        assert not [item for item in said if "%" in item]


def test_what_raised_the_band_is_named() -> None:
    finding = finding_of(
        "melanocytic_nevus",
        probability=0.6,
        band=Band.URGENT_REFERRAL,
        raised_by=(RaisedBy.MELANOMA, RaisedBy.CHECKLIST),
    )
    context = NOTHING_TOLD.model_copy(update={"checklist": ("change_in_size", "oozing")})
    said = write_template(Facts.from_finding(finding, context), "en").sections
    assert (
        "The reason: you told us that it has changed in size and it is wet or bleeding; the "
        "picture may show a melanoma." in said.overview
    )
    assert said.importance_of_early_detection.startswith(
        "If it is a melanoma: found while it is still thin"
    )
    findings = write_template(Facts.from_finding(finding, NOTHING_TOLD), "en").findings
    assert any("the reason: melanoma (6%), the 7-point checklist." in item for item in findings)


@pytest.mark.parametrize(("language", "begins"), [("en", "If it is"), ("fr", "Si c'est")])
@pytest.mark.parametrize("concern", CANCER_RULES)
def test_the_disease_that_early_detection_is_about_is_named(
    concern: RaisedBy, language: Language, begins: str
) -> None:
    ranked = rank({NORMAL_SKIN: 0.6, concern.value: 0.4})
    finding = finding_of(NORMAL_SKIN, ranked=ranked, band=Band.REFERRAL, raised_by=(concern,))
    said = write_sections(finding, language).importance_of_early_detection
    name = TABLE.notices.headline.names[concern.value].patient.in_language(language)
    colon = {"en": ":", "fr": "\u00a0:"}[language]
    assert said.startswith(f"{begins} {name}{colon} ")
    own = write_sections(finding_of(concern.value), language).importance_of_early_detection
    assert said.endswith(lower_first(own))


def test_in_case_is_of_the_gravest_cancer_where_none_is_named() -> None:
    shares = {"actinic_keratosis": 0.004, "melanoma": 0.003, "squamous_cell_carcinoma": 0.001}
    ranked = rank({"melanocytic_nevus": 0.992, **shares})
    finding = finding_of(
        "melanocytic_nevus",
        ranked=ranked,
        band=Band.DOCTOR_REVIEW,
        raised_by=(RaisedBy.UNTESTED_SKIN,),
    )
    said = write_sections(finding, "en").importance_of_early_detection
    assert said.startswith("If it is a melanoma: ")


def test_a_mole_near_the_limit_is_frightening_to_nobody() -> None:
    finding = finding_of(
        "melanocytic_nevus", band=Band.ROUTINE, raised_by=(RaisedBy.NEAR_THRESHOLD,)
    )
    for language in LANGUAGES:
        said = write_sections(finding, language)
        assert SENTENCES[language].near_limit in said.overview
        assert "melan" not in said.importance_of_early_detection.lower()
        assert said.importance_of_early_detection == TABLE.notices.early.in_language(language)


@pytest.mark.parametrize(("language", "harmless"), [("en", "harmless"), ("fr", "bénin")])
def test_nothing_is_called_harmless_in_doubt_or_raised(language: Language, harmless: str) -> None:
    for band, doubts in product(Band, DOUBTS):
        if doubts and urgency(band) > urgency(Band.DOCTOR_REVIEW):
            continue  # a doubt asks for a doctor
        raised: dict[str, Any] = {"band": band, "reasons": doubts}
        raised["raised_by"] = (RaisedBy.CHECKLIST,)
        sections = write_sections(finding_of("melanocytic_nevus", **raised), language)
        calm = not doubts and band is Band.SELF_MONITORING
        assert (harmless in " ".join(sections.model_dump().values())) is calm


@pytest.mark.parametrize("key", ["melanoma", "squamous_cell_carcinoma", "melanocytic_nevus"])
def test_a_client_of_seven_reads_the_figures_that_it_shows(key: str) -> None:
    finding = finding_of(key, probability=0.4)
    seven = finding.over_seven()
    said = " ".join(write_template(Facts.from_finding(seven, NOTHING_TOLD), "en").findings)
    likely = seven.headline.likely
    assert say_share_of(likely.key, likely.probability).en in said
    assert say_share(seven.malignant_score, malignant=True).en in said
    assert say_share_of(key, finding.confidence).en not in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_what_a_caller_states_is_told_as_stated_and_no_model_is_spoken_of(
    key: str, language: Language
) -> None:
    facts = Facts.as_stated(condition=key, confidence=0.8)
    narrative = write_template(facts, language)
    whole = " ".join(texts_of(narrative))
    name = getattr(TABLE.by_key(key).names, language)
    begins = {
        "en": f"As entered: {name}; no picture was examined.",
        "fr": "D'après ce qui a été saisi",
    }
    assert narrative.sections.overview.startswith(begins[language])
    assert {"en": "80%", "fr": "80 %"}[language] in whole
    for foreign in ("model", "modèle", "malignant score", "malignité", "dermoscope picture"):
        assert foreign not in whole
    assert urgency(facts.band) <= urgency(Band.DOCTOR_REVIEW)
    assert narrative.sections.recommendation.startswith(facts.band_words(language).action)
    advice = narrative.sections.recommendation + narrative.sections.importance_of_early_detection
    if facts.more_urgent:
        assert not any(words in advice for words in REASSURING)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_what_to_do_is_said_once(key: str, language: Language) -> None:
    """The eye and nose were named twice for a basal cell carcinoma, and the ruler for a mole."""
    once = {"en": ["near the eye", "ruler", "this result"], "fr": ["yeux", "règle", "ce résultat"]}
    for facts in (Facts.as_stated(condition=key, confidence=0.9), facts_of(key, band=own(key))):
        said = write_template(facts, language).sections.recommendation
        assert all(said.count(words) <= 1 for words in once[language]), said
        assert len({*sentences_of(said)}) == len(sentences_of(said))


def own(key: str) -> Band:
    return TABLE.by_key(key).urgency


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [each.key for each in TABLE.conditions if not each.malignant])
def test_what_a_caller_states_is_not_called_harmless_beside_the_advice(
    key: str, language: Language
) -> None:
    """Nobody has seen the lesion, and the caveat of the word does not fit. The explanation, which
    the report prints, has both.
    """
    facts = Facts.as_stated(condition=key, confidence=0.9)
    plan = plan_explanation(facts, "patient")
    worded = plan.as_written(language)
    for narrative in (
        write_template(facts, language),
        write_template(facts, language, plan, worded),
    ):
        said = f"{narrative.sections.overview} {narrative.sections.recommendation}"
        name = getattr(TABLE.by_key(key).names, language)
        assert not re.search(
            "harmless|not cancer|bénin|aucun traitement", said.replace(name, "")
        ), said
    told = {passage.id for passage in plan.passages}
    assert all(passage.needs in told for passage in plan.passages if passage.needs)


@pytest.mark.parametrize("key", [each for each in TABLE.keys if each != NORMAL_SKIN])
def test_a_class_is_as_urgent_stated_as_found(key: str) -> None:
    """Actinic keratosis was found "within two weeks" and stated "this week"."""
    for outputs in (TABLE.keys, EIGHT):
        if key not in outputs:
            continue
        found = band_of_condition(key, outputs)
        stated = Facts.as_stated(condition=key, confidence=0.9, outputs=outputs).band
        assert stated is most_urgent(found, Band.DOCTOR_REVIEW)


def test_the_findings_tell_the_score_and_the_urgency() -> None:
    facts = facts_of("melanoma", checklist_score=4, raised_by=(RaisedBy.MELANOMA,))
    findings = " ".join(write_template(facts, "en").findings)
    assert "): 93%." in findings
    assert "Urgency: Urgent referral; the reason: melanoma (90%)." in findings


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_limits_are_the_notices_and_the_first_step_is_the_bands_action(
    language: Language,
) -> None:
    for doubts in DOUBTS:
        facts = facts_of(reasons=doubts, checklist_score=0)
        narrative = write_template(facts, language)
        assert narrative.limits == tuple(getattr(said, language) for said in facts.notices)
        assert narrative.next_steps[0] == facts.band_words(language).action
        below = getattr(TABLE.checklist.result.below, language)
        assert below not in narrative.next_steps, "it is milder than the band"
        mild = facts_of("melanocytic_nevus", band=Band.SELF_MONITORING, checklist_score=0)
        assert write_template(mild, language).next_steps[-1] == below


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_text_counts_all_its_probabilities_of_one_number(language: Language) -> None:
    of_ten, of_hundred = {"en": (" in 10", " in 100"), "fr": (" sur 10", " sur 100")}[language]
    small = write_sections(finding_of("melanocytic_nevus", probability=0.9), language)
    large = write_sections(finding_of("melanoma", probability=0.9), language)
    for sections, said in ((small, of_hundred), (large, of_ten)):
        counted = re.findall(rf"{of_ten}0?(?!\d)", sections.confidence_explanation)
        assert counted
        assert {*counted} == {said}


@pytest.mark.parametrize(
    ("language", "nape", "calf"),
    [
        ("en", "neck (back), midline", "left leg (back)"),
        ("fr", "cou (derrière), ligne médiane", "jambe (derrière), à gauche"),
    ],
)
def test_a_place_is_said_with_its_side_and_its_midline(
    language: Language, nape: str, calf: str
) -> None:
    labels = LABELS[language]
    assert labels.say_place("neck", "middle", "rear") == nape
    assert labels.say_place("lower_extremity", "left", "rear") == calf


OWN = 0.55
RESTATED = Facts.from_finding(restated_finding(own=OWN), NOTHING_TOLD)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_has_the_shown_figures_alone(language: Language) -> None:
    def share(value: float) -> str:
        return say_share(value, malignant=True).in_language(language)

    written = " ".join(texts_of(write_template(RESTATED, language)))
    assert share(probability_of(RESTATED.shown.ranked, RESTATED.stated)) in written
    assert share(OWN) not in written
    assert share(RESTATED.malignant_score or 0) not in written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", [RaisedBy.MALIGNANT, RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE])
def test_a_reason_of_the_band_has_no_restated_figure(rule: RaisedBy, language: Language) -> None:
    sentences = write_template(RESTATED.model_copy(update={"raised_by": (rule,)}), language)
    said = {"en": "the reason:", "fr": "la raison"}[language]
    reasons = [item for text in texts_of(sentences) for item in sentences_of(text) if said in item]
    assert reasons
    for sentence in reasons:
        assert not any(character.isdigit() for character in sentence.partition(said)[2])


@settings(max_examples=size(40, 3000), deadline=None)
@given(any_facts, st.sampled_from(LANGUAGES))
def test_whatever_the_facts_the_sections_fit_that_pdf(facts: Facts, language: Language) -> None:
    sections = write_template(facts, language).sections.model_dump().values()
    assert sum(map(len, sections)) <= MOST_CHARACTERS
