"""The fixed texts of a letter: the decision, and a draft below it that the doctor edits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from skinapi.base.days import say_day
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.care.letter_check import Decided, blank_facts, split_sentences
from skinapi.findings.records.lesions import Place
from skinapi.findings.records.letters import Addressee, Letter
from skinapi.findings.records.stored_finding import StoredFinding, StoredFindingRow
from skinapi.findings.reports.words import LABELS, say_spot
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.spot import names_cancer
from skinapi.model.bands import is_sent
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import Sex
from skinapi.model.passages import passages_table


class LetterWords(Frozen):
    to_patient: str
    to_colleague: str
    names: Mapping[str, str]
    opening: Mapping[str, str]
    explained: Mapping[str, str]
    confirmed: str
    next: Mapping[str, str]
    ask: Mapping[str, str]
    about: Mapping[Addressee, str]
    spot: Mapping[str, str]
    person: Mapping[Sex, str]
    sex: Mapping[Sex, str]
    noted: str
    signs: str
    no_signs: str
    course: str
    question: Mapping[str, str]
    closing: str


LETTER_WORDS: Mapping[Language, LetterWords] = load_words("reports.letters", LetterWords)
CANCER, NO_CANCER = frozenset({"proven", "suspected", "possible"}), "actinic_keratosis"
OPENINGS = {"unjudged": "unjudged", "awaited": "awaited", "proven": "result", "found": "result"}
# Passages for a patient on what was found or suspected. The examination of a melanoma is no longer
# of interest after a laboratory result.
TOLD: Mapping[str, Sequence[str]] = {
    "proven": ("what", "bowen", "early", "treat"),
    "suspected": ("what", "bowen", "early", "exam", "treat"),
    "possible": ("what", "bowen", "early", "exam", "treat"),
    "found": ("what", "early", "treat"),
    "benign": ("what", "early", "treat"),
}
# Only these conditions that count as another one are explained.
TOLD_OF = {"bowens_disease": ("bowen",), "actinic_keratosis_alone": ("what", "early", "treat")}


@dataclass(frozen=True)
class LetterFacts:
    """`earlier` are the previous findings of the spot as the patient may see them. The patient's
    name for the spot never appears in a letter. `unseen`: the doctor has not signed a review that
    covers the photo.
    """

    finding: StoredFinding
    patient: str
    doctor: str
    spot_place: Place | None = None
    earlier: Sequence[StoredFindingRow] = ()
    phone: str | None = None
    unseen: bool = False

    @property
    def place(self) -> Place | None:
        """Return None if spot and photo differ, because nobody knows which place is right."""
        told, spot = self.finding.context, self.spot_place
        if spot and spot.differs_from(told):
            return None
        if spot or not told.body_site:
            return spot
        return Place(site=told.body_site, told_laterality=told.body_laterality)

    @property
    def decision(self) -> Decision | None:
        return self.finding.decision

    @property
    def counts(self) -> Decision | None:
        return self.finding.instruction.decision or self.decision

    def decided(self, letter: Letter) -> Decided | None:
        """Return None before a review. The key words may be older than the decision."""
        reader, language = letter.reader, letter.language
        own, counts = self.decision, self.counts
        if own is None or counts is None:
            return None
        first, said = self.finding.instruction, say_decision(self, reader, language)
        redecided = letter.redecided or letter.decision != said
        return Decided(
            labels=frozenset(filter(None, (own.label, counts.label))),
            band=first.band,
            sure=counts.sure and not counts.awaited,
            proven=counts.proven,
            waits=first.waits_for is not None or own.unjudged,
            own=f"{said}\n\n{write_draft(self, reader, language)}",
            key_words=letter.key_words,
            known=list_own_sentences(reader, language) if redecided else frozenset(),
        )


def say_decision(about: LetterFacts, reader: Addressee, language: Language) -> str:
    """Return "" before a review."""
    decision = about.decision
    if decision is None:
        return ""
    finding = about.finding
    lines = say_spot(
        finding.instruction,
        language,
        decision=decision,
        number=finding.number,
        for_doctor=reader != "patient",
    )
    return "\n".join(lines)


def write_draft(
    about: LetterFacts,
    reader: Addressee,
    language: Language,
    key_words: str = "",
    written: Sequence[str] = (),
) -> str:
    """Use fixed sentences and the key words if a model has not `written` the body."""
    words = LETTER_WORDS[language]
    noted = words.noted.format(key_words=key_words) if key_words else ""
    greeting = words.to_patient if reader == "patient" else words.to_colleague
    own = _write_to_patient if reader == "patient" else _write_to_colleague
    return "\n\n".join(
        [
            greeting.format(patient=about.patient),
            *(written or filter(None, own(about, language, noted))),
            words.closing.format(doctor=about.doctor),
        ]
    )


def _write_to_patient(about: LetterFacts, language: Language, noted: str) -> Iterator[str]:
    words, decision, kind = LETTER_WORDS[language], about.decision, _kind_of(about.decision)
    grave = kind in CANCER and decision is not None and decision.label != NO_CANCER
    opening, told = OPENINGS.get(kind, "photo"), _fill(about, language)
    # A doctor who may not have seen the photo must not say "I have looked at it myself".
    unseen = about.unseen and opening in ("photo", "unjudged")
    if (
        decision is None or unseen or not decision.instructs
    ):  # what counts was said about another photo
        yield words.about["patient"].format(**told)
        yield noted
        yield words.next["do"] if decision else ""
    else:
        yield words.opening[opening].format(**told)
        explained = words.explained.get(kind, "") if grave or kind != "proven" else ""
        passages = [*_explain(decision, kind, language)]
        confirmed = words.confirmed if decision.suspected and passages else ""
        yield " ".join(filter(None, [explained.format(**told), confirmed, *passages]))
        yield noted
        yield " ".join(words.next[item] for item in _next_of(decision, kind))
    asked = f"{'cancer' if grave else 'plain'}{'_phone' if about.phone else ''}"
    yield words.ask[asked].format(phone=about.phone)


def _next_of(decision: Decision, kind: str) -> Sequence[str]:
    if kind in ("proven", "awaited"):
        return ("do",)
    return ("do", "tell") if is_sent(decision.urgency) else ("look",)


def _write_to_colleague(about: LetterFacts, language: Language, noted: str) -> Iterator[str]:
    words, decision, told = LETTER_WORDS[language], about.decision, _fill(about, language)
    facts = [words.about["colleague"].format(**told), *_say_person(about, language)]
    if about.earlier:
        facts.append(words.course.format(course="; ".join(say_course(about, language))))
    yield " ".join(facts)
    yield noted
    if decision and decision.instructs:
        kind = _kind_of(decision)
        examined = kind == "found" and is_sent(decision.urgency)
        yield words.question["found_sent" if examined else kind].format(**told)


def _kind_of(decision: Decision | None) -> str:
    if decision is None:
        return "unread"
    label, sent = decision.label, is_sent(decision.urgency)
    kinds = {
        "unjudged": decision.only_asked and decision.photo_wanted,
        "awaited": decision.awaited,
        "suspected": decision.suspected and decision.sure,
        "possible": decision.suspected,
        "open": label is None,
        "proven": decision.proven and names_cancer(label),
        "found": decision.proven,
        "unsure": not decision.sure,
        "sent": sent,
        "normal": label == NORMAL_SKIN,
    }
    return next((kind for kind, holds in kinds.items() if holds), "benign")


def _fill(about: LetterFacts, language: Language) -> Mapping[str, str | int]:
    words, place = LETTER_WORDS[language], say_place(about, language)
    return {
        "spot": words.spot["placed"].format(place=place) if place else "",
        "date": say_day(about.finding.created_at, language),
        "number": about.finding.number,
        "name": _name(about.decision.label if about.decision else None, language),
    }


def _name(label: str | None, language: Language) -> str:
    if label is None:
        return ""
    own = LETTER_WORDS[language].names.get(label)
    return own or conditions_table().name_for_patient(label, language)


def _explain(decision: Decision, kind: str, language: Language) -> Iterator[str]:
    label = decision.label or ""
    about = conditions_table().counted_as(label) if label in TOLD_OF else label
    wanted = {f"{about}.{item}" for item in TOLD_OF.get(label, TOLD.get(kind, ()))}
    passages = passages_table().list_about(about or "", "patient")
    wanted |= {item.needs for item in passages if item.id in wanted and item.needs}
    if kind in TOLD and label != NORMAL_SKIN:
        yield from (item.in_language(language) for item in passages if item.id in wanted)


@cache
def list_own_sentences(reader: Addressee, language: Language) -> frozenset[str]:
    """All sentences that a draft can contain for any decision, without facts."""
    words, table, passages = LETTER_WORDS[language], conditions_table(), passages_table().all
    parts = [words.opening, words.explained, words.next, words.ask]
    texts = [words.confirmed, *(text for part in parts for text in part.values())]
    told = {item for items in (*TOLD.values(), *TOLD_OF.values()) for item in items}
    explained = [item for item in passages if item.id.partition(".")[2] in told]
    needed = {item.needs for item in explained}
    explained += [item for item in passages if item.id in needed]
    said = [item.in_language(language) for item in explained]
    if reader == "colleague":
        texts, said = [*words.question.values()], []
    names = [_name(label, language) for label in table.labels]
    facts = {"spot": "", "date": "0", "phone": "0"}
    said += [text.format(name=name, **facts) for text in texts for name in names]
    return frozenset(blank_facts(item) for text in said for item in split_sentences(text))


def say_place(about: LetterFacts, language: Language) -> str:
    place = about.place
    if place is None:
        return ""
    return LABELS[language].say_place(place.site, place.laterality, place.side)


def _say_person(about: LetterFacts, language: Language) -> Iterator[str]:
    words, told = LETTER_WORDS[language], about.finding.context
    if told.age_band:
        age = LABELS[language].say_fact("age_band", told.age_band)
        yield words.person[told.sex or "other"].format(age=age)
    elif told.sex and words.sex[told.sex]:
        yield words.sex[told.sex]
    if told.checklist:
        signs = conditions_table().checklist.list_told(told.checklist).in_language(language)
        yield words.signs.format(signs=signs)
    elif told.checklist is not None:
        yield words.no_signs


def say_course(about: LetterFacts, language: Language) -> Iterator[str]:
    for item in about.earlier:
        yield say_day(item.created_at, language)
