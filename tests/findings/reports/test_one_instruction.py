from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, product
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.html_pages import render_html
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.routes import FullReport
from skinapi.findings.status.decisions import WaitsFor
from skinapi.findings.status.spot import Certainty, LevelSource, Sample
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.bands import RaisedBy, is_sent, urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt
from tests.findings.reports.contradictions import asked_in
from tests.findings.reports.sample_reports import (
    instructed,
    made_report,
    on_facts,
    one_line,
    plain_text,
    reviewed,
)
from tests.support.findings import finding_of
from tests.support.size import size

MOLE, MELANOMA = "melanocytic_nevus", "melanoma"
SURE, SUSPECTED = Certainty.SURE, Certainty.SUSPECTED
SINCE = datetime(2026, 11, 2, 9, tzinfo=UTC)
PHOTO = {"urgency": Band.SELF_MONITORING, "photo_wanted": True}
RESULT = {"label": MELANOMA, "certainty": SURE, "urgency": Band.REFERRAL, "sample": Sample.WAITING}
DECISIONS: list[dict[str, Any] | None] = [
    None,
    {"label": MOLE, "certainty": SURE},
    {"label": MELANOMA, "certainty": SURE, "sample": Sample.WAITING},
    {"label": MELANOMA, "certainty": "laboratory"},
    {"label": MOLE, "certainty": SURE, "sample": Sample.WAITING},
    PHOTO,
]
# About another finding of the spot: who decided it, how urgent it is, by which review.
ELSEWHERE = [
    *((by, band, None) for by in (LevelSource.REVIEW, LevelSource.MODEL) for band in Band),
    (LevelSource.REVIEW, Band.SELF_MONITORING, PHOTO),
    (LevelSource.REVIEW, Band.REFERRAL, RESULT),
]


STEP = size(11, 1)


def reports(language: Language) -> Iterator[Report]:
    plain = made_report(language, photo=False, review=None, decision=None)
    turn = count()
    for band, said, reasons, score in product(Band, DECISIONS, ((), (Doubt.TOO_CLOSE,)), (None, 0)):
        found = finding_of(
            MOLE, band=band, reasons=reasons, raised_by=(RaisedBy.NAMED,), checklist_score=score
        )
        report = on_facts(plain, Facts.from_finding(found, NOTHING_TOLD))
        report = reviewed(report, finding=found, **said) if said else report
        own = (
            (report.decision.urgency, report.decision.waits_for)
            if report.decision
            else (band, None)
        )
        yield report
        for by, asked, other in ELSEWHERE[next(turn) % STEP :: STEP]:
            decision = reviewed(plain, **other).decision if other else None
            advice = Instruction(by, asked, SINCE, 7, decision=decision)
            if (asked, advice.waits_for) != own:
                yield instructed(report, advice)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_report_asks_for_two_things(language: Language) -> None:
    for report in reports(language):
        advice, decision = report.spot_advice, report.decision
        band = advice.band if advice else decision.urgency if decision else report.facts.band
        waits = advice.waits_for if advice else decision.waits_for if decision else None
        asked = asked_in(plain_text(render_html(report)), language)
        assert asked == (set() if waits else {band})
        full, own = FullReport.from_report(report), report.facts.band
        if not waits or full.band is own:
            labels = conditions_table().band_words(full.band, language)
            assert full.band_label == labels.label, "the words are those of the band beside them"
            assert urgency(full.band) <= urgency(own)
        reading = full.reading
        told = [item.text for paragraph in reading.explanation for item in paragraph]
        read = [*reading.next_steps, *told]
        assert asked_in(" ".join(read), language) <= (set() if advice or waits else {band})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_doubt_asks_for_nothing_beside_what_counts(language: Language) -> None:
    facts = Facts.from_finding(finding_of(MOLE, reasons=tuple(Doubt)), NOTHING_TOLD)
    plain = made_report(language, photo=False, review=None, decision=None)
    plain = on_facts(plain, facts)
    decided = reviewed(plain, finding=finding_of(MOLE), label=MOLE, certainty=SURE)
    advised = instructed(plain, Instruction(LevelSource.REVIEW, Band.REFERRAL, SINCE, 7))
    shows = {"en": "how the spot to a doctor", "fr": "ontrez la tache à un médecin"}[language]
    doubts = {"en": "The possibilities are close to each other.", "fr": "proches l'une de l'autre"}
    for report in (decided, advised):
        page = plain_text(render_html(report))
        assert shows not in page
        assert doubts[language] in one_line(page)
    assert shows in plain_text(render_html(plain))


def test_what_is_not_judged_yet_is_called_nothing_and_reassures_nobody() -> None:
    words = conditions_table().notices.decision.waits_for[WaitsFor.PHOTO]
    for report in reports("en"):
        if report.spot_advice or not report.decision or not report.decision.photo_wanted:
            continue
        shown = FullReport.from_report(report)
        assert shown.decision
        if is_sent(report.decision.urgency):
            assert shown.decision.waits_for is None
            assert shown.decision.urgency_label == report.decision.band_words("en").label
            continue
        assert (shown.decision.urgency_label, shown.decision.next_step) == (
            words.label.en,
            words.next_step.en,
        )
        assert shown.decision.heading.endswith(" asked for another photo")
