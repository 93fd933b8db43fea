"""What a letter says before its doctor writes: the decision, with which it begins and which nobody
can change, and the draft, which its doctor edits. The draft says nothing of what was decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from skinapi.base.languages import Language, LocalizedText, load_words
from skinapi.base.stored_record import Frozen
from skinapi.care.spot_records import Place
from skinapi.findings.records.decisions import Decision, say_day
from skinapi.findings.records.letters import Addressee
from skinapi.findings.records.standing import Advice
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import Narrative, Writer
from skinapi.findings.reports.words import (
    LABELS,
    SENTENCES,
    FirstContent,
    say_advice,
)
from skinapi.model.conditions import conditions_table
from skinapi.model.finding import (
    limits_of_tests,
    modality_doubts,
    say_restated,
    say_untested_skin,
)
from skinapi.model.headline import LEAST_SHARE, Ranked, say_share_of


class LetterWords(Frozen):
    """`model` is what a colleague reads of the model's answer, by whether the photo could be
    judged.
    """

    to_patient: str
    to_colleague: str
    about: Mapping[Addressee, str]
    spot: Mapping[str, str]
    ask: str
    model: Mapping[str, str]
    closing: str


LETTER_WORDS: Mapping[Language, LetterWords] = load_words("reports.LETTERS", LetterWords)


MOST_LIKELY = 3  # conditions of the model's answer that a colleague reads, and any that alarms


@dataclass(frozen=True)
class LetterFacts:
    """`decision` is about the letter's finding; `advice` is what counts of the spot, where that was
    said about another finding. `due` is until when a doctor should have seen the spot. `spot` is
    what the patient calls it.
    """

    submission: Submission
    decision: Decision | None
    patient: str
    doctor: str
    spot: str = ""
    place: Place | None = None
    advice: Advice | None = None
    due: date | None = None

    @cached_property
    def facts(self) -> Facts:
        return Facts.of(self.submission.finding, self.submission.context)


def say_decision(about: LetterFacts, reader: Addressee, language: Language) -> str:
    """What was decided, what to do by when, and who decided, a line each; empty before a review."""
    decision = about.decision
    if decision is None:
        return ""
    doctor = reader != "patient"
    own = FirstContent.of_decision(decision, language, due=about.due, for_doctor=doctor)
    if about.advice:
        head = decision.heading(language)
        counts = say_advice(about.advice, language, for_doctor=doctor)
        replaced = LABELS[language].decision_replaced.format(head)
        lines = [*counts, f"{replaced}. {own.signed}"]
    else:
        label = [f"{own.label}."] if own.label else []
        lines = [own.head, " ".join([*label, *own.sentences]), own.signed]
    return "\n".join(filter(None, lines))


def write_draft(
    about: LetterFacts, reader: Addressee, language: Language, explained: Sequence[str] = ()
) -> str:
    """Paragraphs with an empty line between them: greeting, which spot and photo it is about, what
    was found in plain or clinical words, to a colleague the model's answer in one sentence,
    closing.
    """
    words = LETTER_WORDS[language]
    greeting = words.to_patient if reader == "patient" else words.to_colleague
    photo = words.about[reader].format(
        spot=_say_spot(about, language),
        date=say_day(about.submission.created_at, language),
        number=about.submission.number,
    )
    parts = [
        greeting.format(patient=about.patient),
        photo,
        *explained,
        words.ask if reader == "patient" else _say_model(about, language),
        words.closing.format(doctor=about.doctor),
    ]
    return "\n\n".join(parts)


def say_explanation(narrative: Narrative) -> list[str]:
    """Its paragraphs; behind an LLM's, who has worded them: the doctor may strike that out, as all
    of a draft.
    """
    told = [" ".join(one.text for one in paragraph) for paragraph in narrative.explanation]
    source = narrative.source
    if told and source.writer is Writer.LLM:
        words = LABELS[narrative.language].written_by_llm
        told.append(f"({words.format(source.model, source.checker, source.kept, source.written)})")
    return told


def _say_spot(about: LetterFacts, language: Language) -> str:
    words, place = LETTER_WORDS[language].spot, about.place
    named = words["named"].format(name=about.spot) if about.spot else ""
    if place is None:
        return named
    said = LABELS[language].say_place(place.site, place.laterality, place.side)
    return named + words["placed"].format(place=said)


def _say_model(about: LetterFacts, language: Language) -> str:
    """The model's answer in one sentence; then only what qualifies it."""
    facts, phrases, decision = about.facts, SENTENCES[language], about.decision
    kind = "unjudged" if decision and decision.unjudged else "judged"
    answer = (
        LETTER_WORDS[language]
        .model[kind]
        .format(
            date=say_day(about.submission.created_at, language),
            names=", ".join(_name_with_share(one, language) for one in _worth_naming(facts)),
        )
    )
    sentences = [answer]
    if facts.effect and facts.effect.for_doctor:
        sentences.append(facts.effect.for_doctor.in_language(language))
    if facts.uncertain:
        doubts = ", ".join(phrases.doubts[doubt] for doubt in facts.reasons)
        sentences.append(phrases.uncertain.format(doubts=doubts))
    sentences += [one.in_language(language) for one in _caveats(facts)]
    if facts.checklist_score is not None:
        sentences.append(phrases.checklist_score.format(score=facts.checklist_score))
    if facts.restated:
        sentences.append(say_restated(facts.restated.prevalence).in_language(language))
    return " ".join(sentences)


def _name_with_share(one: Ranked, language: Language) -> str:
    name = conditions_table().notices.headline.names[one.key].doctor.in_language(language)
    return f"{name} {say_share_of(one.key, one.probability).in_language(language)}"


def _caveats(facts: Facts) -> list[LocalizedText]:
    """What qualifies the model's answer: for which skin and pictures it was not tested, and that
    the picture does not show its kind.
    """
    seen = facts.modality
    tests = limits_of_tests(seen.used if seen else (), facts.tested)
    return [*map(say_untested_skin, facts.untested_skin), *modality_doubts(seen), *tests]


def _worth_naming(facts: Facts) -> list[Ranked]:
    """The likeliest, and every cancer that passed its threshold, in the order of probability."""
    likely = [one.key for one in facts.shown.ranked[:MOST_LIKELY]]
    passed = {rule.value for rule in facts.raised_by} | {*facts.headline.keys}
    alarming = passed & conditions_table().malignant_keys
    return [
        one
        for place, one in enumerate(facts.shown.ranked)
        if one.key in alarming
        or (one.key in likely and (not place or one.probability >= LEAST_SHARE))
    ]
