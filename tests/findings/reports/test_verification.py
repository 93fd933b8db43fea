from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from skinapi.base.languages import Language
from skinapi.findings.records.letters import Letter, ShownLetter, Withdrawal
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import Narrative, Report, Source, Unwritten
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.verification import seal_report

FACTS = Facts.as_stated(condition="melanoma", confidence=0.9)


def written(language: Language = "en", source: Source | None = None) -> Narrative:
    narrative = write_template(FACTS, language)
    return narrative.model_copy(update={"source": source or Source()})


def sealed(
    narrative: Narrative,
    finding: str = "one",
    letters: Sequence[Letter] = (),
    written_before: str | None = None,
    spot_version: int = 2,
) -> str:
    shown = tuple(ShownLetter(letter, written_before) for letter in letters)
    report = Report(facts=FACTS, narrative=narrative, letters=shown)
    return seal_report(report, finding=finding, spot_version=spot_version)


def test_a_report_read_while_the_llm_fails_has_the_code_it_always_has() -> None:
    assert sealed(written(source=Source(reason=Unwritten.NO_KEY))) == sealed(written())


def test_whatever_differs_has_a_code_of_its_own() -> None:
    narrative = written()
    other_words = narrative.model_copy(update={"limits": ("Something else.",)})
    codes = {
        sealed(narrative),
        sealed(narrative, "another"),
        sealed(narrative, spot_version=3),
        sealed(written("fr")),
        sealed(other_words),
    }
    assert len(codes) == 5


MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
BEFORE = (
    "Written on 30 November 2026. Since then: a new photo, on 1 December 2026. "
    "What to do now: See a doctor."
)
SIGNED = Letter(
    id="0" * 32,
    created_at=datetime(2026, 11, 24, tzinfo=UTC),
    submission="one",
    doctor="2" * 32,
    reader="patient",
    language="en",
    spot_version=2,
    text="Please see a doctor this week.",
    signed_at=datetime(2026, 11, 24, tzinfo=UTC),
    signature="Dr Grace Hopper",
)


def test_each_word_of_a_signed_letter_is_sealed() -> None:
    changes: list[dict[str, Any]] = [
        {"text": "Please see a doctor next year."},
        {"decision": "Doctor's decision: melanoma"},
        {"signature": "Dr Hyde"},
        {"signed_at": datetime(2026, 11, 25, tzinfo=UTC)},
        {"reader": "colleague"},
        {"language": "fr"},
        {"withdrawn": Withdrawal(withdrawn_at=MONDAY, withdrawn_by="Dr Hyde", reason="Wrong.")},
        {"withdrawn": Withdrawal(withdrawn_at=MONDAY, withdrawn_by="Dr Hyde", reason="Old.")},
    ]
    letters = [SIGNED, *(SIGNED.model_copy(update=change) for change in changes)]
    codes = {sealed(written()), *(sealed(written(), letters=[letter]) for letter in letters)}
    assert len(codes) == 2 + len(changes)


def test_the_line_above_a_letter_is_sealed() -> None:
    lines = (None, BEFORE, BEFORE.replace("1", "2"))
    codes = {sealed(written(), letters=[SIGNED], written_before=line) for line in lines}
    assert len(codes) == 3
