import re
from collections import Counter
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.facts import Facts, say_kind, say_reason, summarise
from skinapi.findings.reports.html_pages import render_html
from skinapi.findings.reports.report import Reading, Report, read_in_order
from skinapi.findings.reports.words import LABELS, sentences_of
from skinapi.model.bands import RaisedBy, is_sent
from skinapi.model.calibration import HeldOutFigures
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import NOTHING_TOLD, Modality
from skinapi.model.detectors import ModalityFinding
from skinapi.model.finding import Doubt, Finding, say_tested
from skinapi.model.passages import PassageReader
from tests.findings.reports.facts import any_facts, facts_of
from tests.findings.reports.sample_reports import made_report, on_facts
from tests.findings.reports.sentence_views import INLINE, TAG
from tests.support.findings import LITTLE_TESTED, TESTED, finding_of, named_finding, told_finding
from tests.support.size import size
from tests.support.wording import jargon_in

PHONE = ModalityFinding(
    told=Modality.UNKNOWN, recognised=Modality.CLINICAL, used=(Modality.CLINICAL,)
)
MOLE = "melanocytic_nevus"
# Every band; certain, doubted, named by a rule, raised; every kind of picture.
FINDINGS: list[Finding] = [
    told_finding(),
    told_finding("basal_cell_carcinoma", band=Band.REFERRAL, reasons=(Doubt.TOO_CLOSE,)),
    named_finding("basal_cell_carcinoma", most_probable=MOLE),
    finding_of(
        MOLE, band=Band.DOCTOR_REVIEW, raised_by=(RaisedBy.LITTLE_TESTED,), tested=(LITTLE_TESTED,)
    ),
    finding_of("dermatofibroma", band=Band.ROUTINE, modality=PHONE),
    finding_of(MOLE, band=Band.SELF_MONITORING),
    finding_of(NORMAL_SKIN, band=Band.SELF_MONITORING),
    finding_of(NORMAL_SKIN, band=Band.DOCTOR_REVIEW, reasons=tuple(Doubt), modality=None),
    finding_of(checklist_score=4, raised_by=(RaisedBy.CHECKLIST,), probability=0.4),
]


def report_on(facts: Facts, language: Language) -> Report:
    return on_facts(made_report(language, photo=False, review=None, decision=None), facts)


def reports(language: Language) -> list[Report]:
    context = made_report(photo=False).facts.context
    return [report_on(Facts.from_finding(finding, context), language) for finding in FINDINGS]


def said_twice(texts: list[str]) -> list[str]:
    """Return sentences. A text without a full stop is a label, which a chart may repeat."""
    counted = Counter(
        sentence for text in texts for sentence in sentences_of(text) if sentence[-1] in ".!?"
    )
    return [sentence for sentence, times in counted.items() if times > 1]


def read_texts(reading: Reading) -> list[str]:
    plain = reading.model_dump(exclude={"doubts"})  # which head a doctor's case
    summary = list(plain.pop("summary").values())
    told = [item["text"] for paragraph in plain.pop("explanation") for item in paragraph]
    return [*summary, *told] + [
        text for value in plain.values() for text in ([value] if isinstance(value, str) else value)
    ]


@given(facts=any_facts, language=st.sampled_from(LANGUAGES))
@settings(max_examples=size(40, 1000), deadline=None)
def test_three_sentences_come_first_and_none_comes_twice(facts: Facts, language: Language) -> None:
    reading = read_in_order(report_on(facts, language))
    to_do, likely, certainty = [
        len(sentences_of(sentence)) for sentence in reading.summary.sentences
    ]
    doubted = facts.uncertain and is_sent(facts.band)
    moved = facts.shown.from_picture is not None  # then one sentence more may say so
    assert (to_do, certainty) == (1, 2 if doubted and not facts.not_skin else 1)
    assert likely in ((1, 2, 3) if moved else (1, 2))
    assert said_twice(read_texts(reading)) == []


@given(facts=any_facts, language=st.sampled_from(LANGUAGES))
@settings(max_examples=size(20, 500), deadline=None)
def test_what_a_patient_reads_has_no_word_of_doctors_or_engineers(
    facts: Facts, language: Language
) -> None:
    reading = read_in_order(report_on(facts, language))
    patients = reading.model_dump(
        exclude={"findings", "limits", "calibrated_on", "tested", "kind", "doubts"}
    )
    assert jargon_in(str(patients), language) == []


def paragraphs_of(page: str) -> list[str]:
    body = page.partition("<body>")[2].partition("</main>")[0]
    texts = TAG.split(INLINE.sub("", body))
    plain = (re.sub(r"[^\S\u00a0]+", " ", unescape(text)).strip() for text in texts)
    return [text for text in plain if text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_web_page_begins_with_the_notice_and_three_sentences_and_repeats_none(
    language: Language,
) -> None:
    for report in reports(language):
        said = paragraphs_of(render_html(report))
        notice, summary = read_in_order(report).notice, summarise(report.facts, language)
        step = ReportContent(report).step
        reason = say_reason(report.facts, language)
        first = [report.clinic, "Skin lesion report", notice]
        if report.facts.not_skin:
            first += [summary.likely, summary.to_do, summary.certainty, step]
        else:
            first += [*filter(None, [summary.to_do, step, summary.likely, reason])]
        if language == "fr":
            first[1] = "Rapport sur une lésion de la peau"
        assert said[: len(first)] == first
        assert said_twice(said) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_colleague_reads_a_doctors_words_and_a_patient_why_before_the_figures(
    language: Language,
) -> None:
    labels = LABELS[language]
    for report in reports(language):
        words = report.band_words
        page = paragraphs_of(render_html(replace(report, reader="colleague")))
        assert words.doctor_action in " ".join(page)
        read = summarise(report.facts, language)
        for patients in (*read.sentences, words.action, words.first_step, labels.next_steps):
            assert patients not in page
        assert page.index(labels.probabilities) < page.index(labels.explanation)
        page = paragraphs_of(render_html(report))
        order = [labels.explanation, labels.pictures, labels.for_doctor, labels.probabilities]
        if report.facts.not_skin:  # no condition has a figure
            order.remove(labels.probabilities)
        assert [text for text in page if text in order] == order


@pytest.mark.parametrize(
    ("malignant", "sensitivity", "said"),
    [
        (64, 1.0, "about 1 in its tests on {}, but it was tested on few."),
        (64, 0.94, "about 6 in its tests on {}, but it was tested on few."),
        (100, 0.95, "about 5 in its tests on {}; no check finds them all."),
        (500, 0.799, "about 20 in its tests on {}; no check finds them all."),
    ],
)
def test_how_sure_it_is_is_told_in_the_figures_that_the_operator_reads(
    malignant: int, sensitivity: float, said: str
) -> None:
    tested = HeldOutFigures(
        modality=Modality.CLINICAL, lesions=600, malignant=malignant, sensitivity=sensitivity
    )
    told = PHONE.model_copy(update={"told": CLINICAL})
    for modality, kind in ((PHONE, "{}, as this one seems to be"), (told, "{}")):
        facts = facts_of(modality=modality, tested=(tested,))
        kinds = kind.format("ordinary photographs")
        expected = f"Of 100 skin cancers, this check missed {said.format(kinds)}"
        assert summarise(facts, "en").certainty == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patient_reads_no_name_of_what_may_be_no_skin_on_any_page(language: Language) -> None:
    """Page 1 refused to name a candle, and page 2 called it a melanoma of 70 %."""
    facts = facts_of("melanoma", probability=0.7, reasons=(Doubt.NOT_SURELY_SKIN,))
    report = report_on(facts, language)
    table = conditions_table()
    names = {table.name(key, language).lower() for key in table.keys} | {"70%", "70 %"}

    def named(reader: PassageReader) -> set[str]:
        page = " ".join(paragraphs_of(render_html(replace(report, reader=reader))))
        return {name for name in names if name in page.lower()}

    assert named("patient") == set()
    assert named("colleague"), "a doctor judges it"
    signs = NOTHING_TOLD.model_copy(update={"checklist": ("oozing",)})
    told = facts_of(
        context=signs,
        reasons=(Doubt.NOT_SURELY_SKIN,),
        raised_by=(RaisedBy.MALIGNANT, RaisedBy.TOLD_SIGNS),
        told_signs=("oozing",),
    )
    reason = say_reason(told, language)
    assert "cancer" not in reason
    assert table.checklist.join_told(("oozing",)).in_language(language) in reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_reads_what_is_missed_at_clinics_that_the_model_does_not_know(
    language: Language,
) -> None:
    """The figures of the clinics in its tests would be too good for all others."""
    tested = TESTED.model_copy(update={"sensitivity": 0.995, "elsewhere": 0.948})
    kind = ModalityFinding(told=DERMOSCOPIC, recognised=DERMOSCOPIC, used=(DERMOSCOPIC,))

    def certainty(tested: HeldOutFigures) -> str:
        return summarise(facts_of(modality=kind, tested=(tested,)), language).certainty

    assert (
        certainty(tested)
        == {
            "en": "Of 100 skin cancers, this check missed about 1 in its tests on dermoscope"
            " pictures, and about 5 in a clinic that it did not know.",
            "fr": "Sur 100 cancers de la peau, ce contrôle en a manqué environ 1 lors de ses essais"
            " sur des images de dermatoscope, et environ 5 dans une clinique qu'il ne"
            " connaissait pas.",
        }[language]
    )
    sole = tested.model_copy(update={"at_site": 0.963, "elsewhere": 0.952})
    place = {"en": "spots at this place on the body", "fr": "taches à cet endroit du corps"}
    assert place[language] in certainty(sole)
    assert re.findall(r"\d+", certainty(sole)) == ["100", "4", "5"]
    for_doctor = say_tested(sole).en
    assert "of the 200 that count as malignant, 99.5% were sent" in for_doctor, "of all places"
    assert for_doctor.endswith(
        "Of the malignant ones at this place 96.3% were sent."
        " In a clinic that it did not know: 95.2%."
    )


DERMOSCOPIC, CLINICAL, UNKNOWN = Modality.DERMOSCOPIC, Modality.CLINICAL, Modality.UNKNOWN


BOTH = DERMOSCOPIC, CLINICAL
EITHER = "dermoscope pictures and ordinary photographs"


@pytest.mark.parametrize(
    ("told", "recognised", "kinds"), [(DERMOSCOPIC, CLINICAL, EITHER), (UNKNOWN, UNKNOWN, EITHER)]
)
def test_how_sure_it_is_names_the_kind_of_picture_that_was_sent(
    told: Modality, recognised: Modality, kinds: str
) -> None:
    modality = ModalityFinding(told=told, recognised=recognised, used=(DERMOSCOPIC, CLINICAL))
    better = TESTED.model_copy(update={"modality": CLINICAL, "sensitivity": 0.999})
    facts = facts_of(modality=modality, tested=(TESTED, better))
    assert f" in its tests on {kinds}; " in summarise(facts, "en").certainty


@pytest.mark.parametrize(("seen", "kinds"), [(CLINICAL, "ordinary"), (DERMOSCOPIC, EITHER)])
def test_of_two_kinds_of_picture_the_one_on_which_least_is_known_counts(
    seen: Modality, kinds: str
) -> None:
    told = {DERMOSCOPIC: CLINICAL, CLINICAL: DERMOSCOPIC}[seen]
    modality = ModalityFinding(told=told, recognised=seen, used=(DERMOSCOPIC, CLINICAL))

    def certainty(*tested: HeldOutFigures) -> str:
        said = summarise(facts_of(modality=modality, tested=tested), "en").certainty
        assert kinds in said
        return said

    assert "missed about 9 in" in certainty(TESTED, LITTLE_TESTED)
    assert "it was tested on few" in certainty(TESTED, LITTLE_TESTED)
    assert "not known how often this check misses a cancer in" in certainty(TESTED)
    many = LITTLE_TESTED.model_copy(update={"malignant": 500})
    assert "missed about 9 in" in certainty(TESTED, many)


def test_a_doubt_comes_before_any_figure() -> None:
    facts = facts_of(reasons=(Doubt.UNLIKE_TRAINING,), tested=(TESTED, LITTLE_TESTED))
    kind = "The check is not sure of this answer."
    assert summarise(facts, "en").certainty == (f"{kind} A doctor should see it in any case.")
    assert summarise(facts, "en", decided=True).certainty == kind, "a doctor's word counts"
    stated = summarise(Facts.as_stated(condition=MOLE, confidence=0.9), "en").certainty
    assert stated == "Nothing was checked, because no picture was examined."


@pytest.mark.parametrize(
    ("told", "recognised", "used", "said"),
    [
        (DERMOSCOPIC, DERMOSCOPIC, (DERMOSCOPIC,), "dermoscopic"),
        (
            DERMOSCOPIC,
            CLINICAL,
            (DERMOSCOPIC, CLINICAL),
            "ordinary photograph; sent as: dermoscopic",
        ),
        (UNKNOWN, UNKNOWN, BOTH, "not clear from the picture"),
        (CLINICAL, UNKNOWN, (CLINICAL,), "ordinary photograph"),
    ],
)
def test_the_kind_of_picture_says_a_doubt(
    told: Modality, recognised: Modality, used: tuple[Modality, ...], said: str
) -> None:
    modality = ModalityFinding(told=told, recognised=recognised, used=used)
    context = NOTHING_TOLD.model_copy(update={"modality": told})
    assert say_kind(facts_of(context=context, modality=modality), "en") == said
