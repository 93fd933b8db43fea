import re
from statistics import median

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.explanation import plan_explanation
from skinapi.findings.reports.words import sentences_of
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Doubt
from skinapi.model.headline import needs_hundreds
from skinapi.model.passages import Passage, passages_table
from tests.findings.reports.facts import facts_of
from tests.findings.reports.random_findings import random_findings
from tests.findings.reports.sample_reports import made_report, reviewed
from tests.findings.reports.sentence_views import report_on
from tests.support.size import size

PASSAGES = passages_table().all
MOST_WORDS = 250
HARDEST_GRADE = 7
NAMES = re.compile(
    "basal cell carcinoma|squamous cell carcinoma|keratoacanthoma|(actinic )?keratosis"
    "|dermatofibroma|melanoma",
    re.IGNORECASE,
)
NOT_SAID = re.compile(
    r"\b(?:see a doctor|show the|appointment|week|within|consult\w*|rendez-vous|semaine|montrer)\b"
)


def test_each_passage_has_a_source_two_languages_and_no_advice() -> None:
    assert len({passage.id for passage in PASSAGES}) == len(PASSAGES)
    for passage in PASSAGES:
        assert passage.sources, passage.id
        assert passage.needs is None or passages_table().has(passage.needs)
        for language in LANGUAGES:
            text = passage.in_language(language)
            text.encode("latin-1")
            if passage.about:
                assert not NOT_SAID.search(text.lower()), text


def grade_of(text: str) -> float:
    """Return the Flesch-Kincaid grade, with a word's groups of vowels as its syllables."""
    words = re.findall(r"[A-Za-z']+", text)
    groups = [re.findall(r"[aeiouy]+", re.sub(r"(?<=[^l])e$", "", word.lower())) for word in words]
    sentences = len(re.findall(r"[.;](?=\s|$)", text))
    syllables = sum(max(1, len(group)) for group in groups)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def without_names(text: str) -> str:
    return NAMES.sub("mole", text)


@pytest.mark.parametrize("condition", conditions_table().keys)
def test_what_a_patient_reads_of_a_condition_is_plain(condition: str) -> None:
    told = passages_table().list_about(condition, "patient")
    text = " ".join(passage.en for passage in told)
    assert grade_of(without_names(text)) <= HARDEST_GRADE


def test_what_a_patient_reads_of_a_report_is_short_and_plain_and_says_nothing_twice() -> None:
    lengths = []
    for seed, said in random_findings(size(50, 2000)):
        content = ReportContent(report_on(said))
        told = [item.text for paragraph in content.reading.explanation for item in paragraph]
        first = [f"{content.first.head.removesuffix('.')}.", *content.first.sentences]
        texts = [*first, *told, *content.next_steps]
        sentences = [item for text in texts for item in sentences_of(text)]
        assert len({*sentences}) == len(sentences), (seed, sentences)
        text = " ".join(sentences)
        lengths.append(len(text.split()))
        assert lengths[-1] <= MOST_WORDS, (seed, text)
        if told and said.language == "en":
            assert grade_of(without_names(text)) <= HARDEST_GRADE, (seed, text)
    assert median(lengths) > 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_comfort_stands_without_what_belongs_to_it(language: Language) -> None:
    for _, said in random_findings(size(50, 1000)):
        for reader in ("patient", "colleague"):
            plan = plan_explanation(said.facts, reader, decision=said.decision)
            chosen: dict[str, Passage] = {passage.id: passage for passage in plan.passages}
            assert all(item.needs in chosen for item in chosen.values() if item.needs)
            assert len(chosen) == len(plan.passages)
            announced = [group for group in plan.groups if group[:1] and "in_case" in group[0].id]
            assert all(len(group) > 1 for group in announced), "it announces nothing"


def test_a_benign_condition_is_described_only_where_nothing_graver_is_open() -> None:
    described = [
        any(
            passage.about == "benign_keratosis"
            for passage in plan_explanation(facts, "patient").passages
        )
        for facts in (
            facts_of("benign_keratosis", band=Band.ROUTINE),
            facts_of("benign_keratosis", reasons=(Doubt.TOO_CLOSE,)),
            facts_of("benign_keratosis", band=Band.URGENT_REFERRAL),
        )
    ]
    assert described == [True, False, False]


def test_what_is_named_is_explained_and_a_suspected_cancer_has_its_treatment() -> None:
    """Of 30 pages that named Bowen's disease none explained it. With reported signs, a likely
    melanoma had no word about its treatment.
    """
    treated = {"squamous_cell_carcinoma": "exam"}
    told_signs = 0
    for seed, said in random_findings(size(100, 4000)):
        facts, decision = said.facts, said.decision
        plan = plan_explanation(facts, "patient", decision=decision)
        told = {passage.id for passage in (*plan.first, *plan.passages)}
        report = report_on(said)
        first = ReportContent(report).first
        if "Bowen" in " ".join((first.head, first.label, *first.sentences)):
            here = not (report.spot_advice or (decision and decision.unjudged))
            assert "actinic_keratosis.bowen" in told or not here, seed
        if decision or facts.not_skin:
            continue
        if facts.described and facts.described.malignant:
            key = facts.described.key
            assert f"{key}.{treated.get(key, 'treat')}" in told, seed
        if facts.context.checklist:
            told_signs += 1
            assert "general.signs" in told, (seed, "less than 1 in 100, and yet to a doctor")
    assert told_signs


@pytest.mark.parametrize("certainty", ["sure", "laboratory"])
def test_a_doctors_bowens_disease_is_explained(certainty: str) -> None:
    report = reviewed(made_report(photo=False), label="bowens_disease", certainty=certainty)
    plan = plan_explanation(report.facts, "patient", decision=report.decision)
    assert [passage.id for passage in plan.passages] == ["actinic_keratosis.bowen"]


def test_two_figures_that_exclude_each_other_add_up() -> None:
    """65 and 35 % were "7 in 10 a mole" and "4 in 10 any cancer"."""
    mole, melanoma = (0.65, False), (0.35, True)
    assert not needs_hundreds([mole, melanoma])
    assert needs_hundreds([mole, melanoma], apart=[mole, melanoma])
    assert not needs_hundreds([mole, melanoma], apart=[(0.7, False), (0.3, True)])
