"""The first text of a letter, which its doctor edits: written by an LLM, or by the template from
the finding's words and what doctors have decided. Names are filled in here.
"""

import time
from collections.abc import Mapping, Sequence

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.prompt import make_question, read_paragraphs
from skinapi.care.letters.words import LETTER_WORDS
from skinapi.languages import Language
from skinapi.records.reviews.letters import LONGEST_LETTER, Reader
from skinapi.reports.narrator import require_consent, write_or_reason
from skinapi.reports.openrouter import OpenRouterClient
from skinapi.reports.report import NarrativeUnavailable, Reason, Report, Source, Writer
from skinapi.reports.template import write_template
from skinapi.vision.finding.notices import say_restated

LETTER_DEADLINE_S = 20.0  # that a draft may wait for the LLM, all attempts together


def draft_letter(
    about: LetterFacts,
    llm: OpenRouterClient | None,
    *,
    reader: Reader,
    language: Language,
    consents: Mapping[str, bool],
) -> tuple[str, Source]:
    """The text, and who wrote it. The LLM is asked with the patient's consent alone; where it does
    not write, the source says why.
    """

    def write() -> tuple[str, Source]:
        if llm is None:
            raise NarrativeUnavailable(Reason.NO_KEY)
        require_consent(consents)
        return _ask(llm, about, reader, language)

    written = write_or_reason(write, language)
    if isinstance(written, Reason):
        return write_by_template(about, reader, language), Source(reason=written)
    return written


def _ask(
    llm: OpenRouterClient, about: LetterFacts, reader: Reader, language: Language
) -> tuple[str, Source]:
    question = make_question(about, reader, language)
    deadline = time.monotonic() + LETTER_DEADLINE_S
    paragraphs, model = llm.ask(question, read_paragraphs, deadline=deadline)
    filled = [
        one.replace("{patient}", about.patient).replace("{doctor}", about.doctor)
        for one in paragraphs
    ]
    text = _frame(about, reader, language, filled)
    if len(text) > LONGEST_LETTER:
        raise NarrativeUnavailable(Reason.TOO_LARGE)
    return text, Source(writer=Writer.LLM, model=model)


def write_by_template(about: LetterFacts, reader: Reader, language: Language) -> str:
    """Paragraphs with an empty line between them: what is found, and what to do by when."""
    facts = about.facts
    report = Report(facts=facts, narrative=write_template(facts, language), decision=about.decision)
    said = _for_patient(report) if reader == "patient" else _for_colleague(report)
    return _frame(about, reader, language, said)


def _frame(
    about: LetterFacts, reader: Reader, language: Language, paragraphs: Sequence[str]
) -> str:
    words, submission = LETTER_WORDS[language], about.submission
    opening = words.to_patient if reader == "patient" else words.to_colleague
    date = f"{submission.created_at:%Y-%m-%d}"
    parts = [
        opening.format(patient=about.patient),
        words.about.format(date=date, number=submission.number),
        *paragraphs,
        words.closing.format(doctor=about.doctor),
    ]
    return "\n\n".join(parts)


def _for_patient(report: Report) -> list[str]:
    sections = report.shown_narrative.sections
    return [sections.overview, sections.recommendation]


def _for_colleague(report: Report) -> list[str]:
    narrative, decision, restated = report.shown_narrative, report.decision, report.facts.restated
    mix = [report.say(say_restated(restated.prevalence))] if restated else []
    found = "\n".join([*narrative.findings, *mix])
    if decision is None:
        return [found, report.band_words.doctor_action]
    words = decision.band_words(report.language)
    return [narrative.sections.overview, found, f"{words.doctor_label}. {words.doctor_action}"]
