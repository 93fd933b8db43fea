"""The template's words: short enough, in Latin-1, uncertain where it is, never against the band."""

from itertools import chain, combinations, product

import pytest

from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.narrative import LONGEST, Sections
from skinapi.reports.words.template import TemplateWriter, say_reasons
from skinapi.vision.bands import RaisedBy, urgency
from skinapi.vision.conditions import LANGUAGES, Band, Language, conditions_table
from skinapi.vision.finding import Doubt, Finding
from tests.findings import finding_of
from tests.reports.facts import facts_of

TABLE = conditions_table()
DOUBTS = list(chain.from_iterable(combinations(Doubt, count) for count in range(3)))
REASSURING = ("no need to worry", "No hurry", "not cancer", "pas lieu de", "Rien ne presse")


def write_sections(finding: Finding, language: Language) -> Sections:
    return TemplateWriter().write(Facts.of(finding, UNKNOWN), language).sections


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_all_sections_fit_the_angular_apps_pdf(key: str, language: Language) -> None:
    for band, doubts, score, not_dermoscopic in product(Band, DOUBTS, (None, 0, 7), (True, False)):
        finding = finding_of(
            key,
            band=band,
            raised_by=tuple(RaisedBy),
            reasons=doubts,
            checklist_score=score,
            not_dermoscopic=not_dermoscopic,
        )
        sections = write_sections(finding, language).model_dump().values()
        assert all(sections)
        assert sum(len(section.encode("latin-1")) for section in sections) <= LONGEST


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_no_section_speaks_against_the_band(key: str, language: Language) -> None:
    for band in Band:
        finding = finding_of(key, band=band, raised_by=(RaisedBy.CHECKLIST,))
        sections = write_sections(finding, language)
        assert sections.recommendation.startswith(finding.band_words(language).action)
        if urgency(band) < urgency(TABLE.by_key(key).urgency):
            advice = sections.recommendation + sections.importance_of_early_detection
            assert not any(words in advice for words in REASSURING)


@pytest.mark.parametrize(("language", "says"), [("en", "uncertain"), ("fr", "incertain")])
def test_the_first_sentence_says_that_a_finding_is_uncertain(language: Language, says: str) -> None:
    for doubts in DOUBTS:
        overview = write_sections(finding_of(reasons=doubts), language).overview
        assert (says in overview.partition(".")[0]) == bool(doubts)


def test_the_numbers_are_the_findings() -> None:
    said = write_sections(finding_of("melanoma", probability=0.9), "en").confidence_explanation
    assert "Melanoma a probability of 90.00%" in said
    assert "is 92.86%" in said
    french = write_sections(finding_of("melanoma", probability=0.9), "fr").confidence_explanation
    assert "Mélanome, 90,00 %" in french


def test_what_raised_the_band_is_named() -> None:
    finding = finding_of(
        "melanocytic_nevus", probability=0.6, raised_by=(RaisedBy.MELANOMA, RaisedBy.CHECKLIST)
    )
    said = write_sections(finding, "en")
    reason, harmless = "Melanoma (5.71%), the 7-point checklist", "harmless"
    assert 0 < said.overview.index(reason) < said.overview.index(harmless)
    assert said.importance_of_early_detection.startswith("Found while it is still thin")


@pytest.mark.parametrize("key", [key for key in TABLE.keys if key != "normal_skin"])
def test_a_client_of_seven_reads_the_figures_that_it_shows(key: str) -> None:
    finding = finding_of(key, probability=0.4)
    seven = finding.over_seven()
    said = write_sections(seven, "en").confidence_explanation
    assert f"{100 * seven.confidence:.2f}%" in said
    assert f"{100 * seven.malignant_score:.2f}%" in said
    assert f"{100 * finding.confidence:.2f}%" not in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TABLE.keys)
def test_what_a_caller_states_is_told_as_stated_and_no_model_is_spoken_of(
    key: str, language: Language
) -> None:
    facts = Facts.as_stated(condition=key, confidence=0.8)
    narrative = TemplateWriter().write(facts, language)
    whole = " ".join(narrative.texts)
    name = getattr(TABLE.by_key(key).names, language)
    begins = {"en": f"As stated by the caller: {name}; no picture was examined.", "fr": "Selon l'"}
    assert narrative.sections.overview.startswith(begins[language])
    assert {"en": "80.00%", "fr": "80,00 %"}[language] in whole
    for foreign in ("model", "modèle", "malignant score", "malignité", "dermoscope picture"):
        assert foreign not in whole
    assert urgency(facts.band) <= urgency(Band.DOCTOR_REVIEW)
    assert narrative.sections.recommendation.startswith(facts.band_words(language).action)
    advice = narrative.sections.recommendation + narrative.sections.importance_of_early_detection
    if facts.more_urgent:
        assert not any(words in advice for words in REASSURING)


def test_the_findings_tell_every_figure() -> None:
    facts = facts_of("melanoma", checklist_score=4, raised_by=(RaisedBy.MELANOMA,))
    findings = " ".join(TemplateWriter().write(facts, "en").findings)
    for entry in facts.ranked:
        share = f"{100 * entry.probability:.2f}%"
        assert f"{TABLE.by_key(entry.key).names.en} ({share})" in findings
    assert "is 92.86%" in findings
    assert "Urgency: Urgent referral; the reason: Melanoma (90.00%)." in findings
    assert "300 by 225 pixels" in findings
    assert "The 7-point checklist was answered: 4 points." in findings


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_limits_are_the_notices_and_the_first_step_is_the_bands_action(
    language: Language,
) -> None:
    for doubts in DOUBTS:
        facts = facts_of(reasons=doubts, checklist_score=0)
        narrative = TemplateWriter().write(facts, language)
        assert narrative.limits == tuple(getattr(said, language) for said in facts.notices)
        assert narrative.next_steps[0] == facts.band_words(language).action
        assert narrative.next_steps[-1] == getattr(TABLE.checklist.result.below, language)


def test_the_same_facts_give_the_same_words() -> None:
    first, again = (TemplateWriter().write(facts_of("dermatofibroma"), "fr") for _ in range(2))
    assert first == again


def test_a_reason_is_given_once() -> None:
    facts = facts_of(raised_by=(RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE, RaisedBy.CHECKLIST))
    assert say_reasons(facts, "en") == "Melanoma (90.00%), the 7-point checklist"
