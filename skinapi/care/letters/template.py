"""The letter that is drafted without an LLM: which spot, what was decided, what the laboratory
found, what to do by when. A colleague reads the model's answer last, in one sentence.
"""

from collections.abc import Sequence
from datetime import date

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.words import LETTER_WORDS
from skinapi.languages import Language, LocalizedText
from skinapi.records.decisions import Decision, WaitsFor
from skinapi.records.due_days import say_day
from skinapi.records.instructions import Advice
from skinapi.records.letters import Reader
from skinapi.reports.facts import Facts
from skinapi.reports.page_texts import say_elsewhere
from skinapi.reports.reading import say_headline
from skinapi.reports.template import write_template
from skinapi.reports.words import LABELS, SENTENCES
from skinapi.storage.ids import now
from skinapi.vision.conditions import BandWords, conditions_table
from skinapi.vision.finding.headline import LEAST_SHARE, say_share_of
from skinapi.vision.finding.notices import (
    limits_of_tests,
    modality_doubts,
    say_restated,
    say_untested_skin,
)
from skinapi.vision.finding.ranking import Ranked

MOST_LIKELY = 3  # conditions of the model's answer that a colleague reads, and any that alarms


def write_by_template(about: LetterFacts, reader: Reader, language: Language) -> str:
    """Paragraphs with an empty line between them."""
    said = _ForPatient(about, language) if reader == "patient" else _ForColleague(about, language)
    return frame_letter(about, reader, language, said.paragraphs())


def frame_letter(
    about: LetterFacts, reader: Reader, language: Language, paragraphs: Sequence[str]
) -> str:
    """Greeting, what counts now where that was said about another photo, which spot and photo it is
    about, the paragraphs, closing.
    """
    words = LETTER_WORDS[language]
    opening = words.to_patient if reader == "patient" else words.to_colleague
    photo = words.about[reader].format(
        spot=_say_spot(about, language),
        date=say_day(about.submission.photographed_at, language),
        number=about.submission.number,
    )
    closing = words.closing.format(doctor=about.doctor)
    first = [_say_elsewhere(about.advice, language)] if about.advice else []
    parts = [opening.format(patient=about.patient), *first, photo, *paragraphs, closing]
    return "\n\n".join(parts)


def _say_elsewhere(advice: Advice, language: Language) -> str:
    named = say_elsewhere(advice, language)
    day = say_day(advice.since, language)
    return f"{named}." if named else LETTER_WORDS[language].elsewhere.format(date=day)


def _say_spot(about: LetterFacts, language: Language) -> str:
    """Its name and place, as far as they are known, behind the word for a spot."""
    words, place = LETTER_WORDS[language].spot, about.place
    named = words["named"].format(name=about.spot) if about.spot else ""
    if place is None:
        return named
    said = LABELS[language].say_place(place.site, place.laterality, place.side)
    return named + words["placed"].format(place=said)


class _ForPatient:
    def __init__(self, about: LetterFacts, language: Language) -> None:
        self._about, self._language = about, language
        self._words = LETTER_WORDS[language]

    def paragraphs(self) -> list[str]:
        """What counts of another photo comes first, then what was said of this one."""
        about, language = self._about, self._language
        decision, advice = about.decision, about.advice
        if advice:
            to_do = self._join([], advice.words(language), None, advice.due)
            return [to_do, self._replaced(decision) if decision else self._checked()]
        if decision is None:
            sections = write_template(about.facts, language).sections
            words, due = about.band_words(language), about.due
            first = words.model_copy(update={"next_step": words.first_step})
            to_do = self._join([], first, None, due) if due else sections.recommendation
            return [self._words.undecided, sections.overview, to_do]
        return [self._decided(decision), self._to_do(decision)]

    def _decided(self, decision: Decision) -> str:
        own = decision.decided_by == self._about.doctor
        said = self._words.decided if own else self._words.decided_by
        kind = "open" if decision.label is None else _how_certain(decision)
        return self._fill(said[kind], decision)

    def _replaced(self, decision: Decision) -> str:
        if decision.label is None:
            return self._decided(decision)
        own = decision.decided_by == self._about.doctor
        return self._fill(self._words.replaced["own" if own else "other"], decision)

    def _fill(self, said: str, decision: Decision) -> str:
        return said.format(
            date=say_day(decision.decided_at, self._language),
            by=decision.decided_by,
            name=self._it_is(decision),
        )

    def _checked(self) -> str:
        """What the model said of this photo, which no doctor has decided."""
        said = say_headline(self._about.facts, self._language)
        day = say_day(self._about.submission.created_at, self._language)
        return self._words.replaced["check"].format(date=day, name=said)

    def _it_is(self, decision: Decision) -> str:
        """What it is in a patient's words; those labels that no model states have only a title."""
        name = conditions_table().notices.headline.names.get(decision.label or "")
        if name is None:
            return decision.name(self._language)
        said = name.patient.in_language(self._language)
        return self._words.it_is[_how_certain(decision)].format(name=said)

    def _to_do(self, decision: Decision) -> str:
        """The one instruction."""
        remarks, words = decision.remarks(self._language), decision.band_words(self._language)
        return self._join(remarks, words, decision.waits_for, self._about.due)

    def _join(
        self, before: list[str], words: BandWords, waits: WaitsFor | None, due: date | None
    ) -> str:
        """That another photo is wanted is said in `next_step`."""
        label = [] if waits is WaitsFor.PHOTO else [f"{words.label}."]
        ahead = due is not None and due >= now().date()
        last = (
            [self._words.due.format(date=say_day(due, self._language, weekday=True))]
            if due and ahead
            else []
        )
        return " ".join([*before, *label, words.next_step, *last])


class _ForColleague:
    def __init__(self, about: LetterFacts, language: Language) -> None:
        self._about, self._language = about, language
        self._words = LETTER_WORDS[language]

    def paragraphs(self) -> list[str]:
        """A picture that could not be judged has no urgency of its own."""
        decision, advice = self._about.decision, self._about.advice
        if advice:
            replaced = self._words.replaced["colleague"].format(said=self._concluded())
            return [self._urgency(), *([replaced] if decision else []), self._model()]
        unjudged = decision and decision.waits_for is WaitsFor.PHOTO
        urgency = [] if unjudged else [self._urgency()]
        return [self._concluded(), *urgency, self._model()]

    def _concluded(self) -> str:
        decision, language = self._about.decision, self._language
        if decision is None:
            return self._words.undecided
        notices = conditions_table().notices.decision
        said = [
            self._words.concluded[_how_certain(decision)].format(
                date=say_day(decision.decided_at, language),
                by=decision.decided_by,
                name=decision.name(language),
            )
        ]
        if decision.awaited:
            said.append(notices.awaited.in_language(language))
            said.append(f"{decision.band_words(language).label}.")
        if decision.new_picture_wanted:
            said.append(self._words.photo_wanted)
        return " ".join(said)

    def _urgency(self) -> str:
        words, due = self._about.band_words(self._language), self._about.due
        said = self._words.urgency.format(label=words.doctor_label, action=words.doctor_action)
        day = (
            LABELS[self._language].due.format(say_day(due, self._language, weekday=True))
            if due
            else ""
        )
        return f"{said} {day}".strip()

    def _model(self) -> str:
        """Its answer in one sentence; then only what qualifies it."""
        facts, phrases, language = self._about.facts, SENTENCES[self._language], self._language
        decision = self._about.decision
        undecided = decision is None
        unjudged = decision is not None and decision.unjudged
        kind = "unjudged" if unjudged else "undecided" if undecided else "decided"
        answer = self._words.model[kind].format(
            date=say_day(self._about.submission.created_at, language),
            names=", ".join(map(self._with_share, _worth_naming(facts))),
        )
        said = [answer]
        if facts.uncertain:
            doubts = ", ".join(phrases.doubts[doubt] for doubt in facts.reasons)
            said.append(phrases.uncertain.format(doubts=doubts))
        if undecided:
            said.append(say_headline(facts, language, for_doctor=True))
        said += [one.in_language(language) for one in _caveats(facts)]
        if facts.checklist_score is not None:
            said.append(phrases.checklist_score.format(score=facts.checklist_score))
        if facts.restated:
            said.append(say_restated(facts.restated.prevalence).in_language(language))
        return " ".join(said)

    def _with_share(self, one: Ranked) -> str:
        name = conditions_table().notices.headline.names[one.key].doctor.in_language(self._language)
        return f"{name} {say_share_of(one.key, one.probability).in_language(self._language)}"


def _caveats(facts: Facts) -> list[LocalizedText]:
    """What qualifies the model's answer: for which skin and pictures it was not tested, and that
    the picture does not show its kind.
    """
    seen = facts.modality
    tests = limits_of_tests(seen.used if seen else (), facts.tested)
    return [*map(say_untested_skin, facts.untested_skin), *modality_doubts(seen), *tests]


def _how_certain(decision: Decision) -> str:
    """What a sample is to show is suspected until then, however sure the doctor is."""
    if decision.proven:
        return "result"
    if not decision.sure:
        return "unsure"
    return "awaited" if decision.awaited else "sure"


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
