"""Marks the sentences of a letter that name a figure, a condition or an urgency which the facts do
not support. A person signs the letter: nothing is refused or changed here. What an LLM writes in
another language than it was asked for is found too: the words of all languages are looked for.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from skinapi.care.letters.figures import Figures, Urgencies, find_strangers
from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.plain_text import (
    foreign_letters,
    in_lower_case,
    letters_apart,
    read_plainly,
    without_accents,
)
from skinapi.care.letters.sentences import (
    NAME,
    before,
    claims,
    each,
    is_hedged,
    is_negated,
    is_time_word,
    lines_of,
    named_in,
    pairs,
    sentences_of,
    times_in,
    without,
    without_dates,
    without_names,
)
from skinapi.care.letters.template import write_by_template
from skinapi.care.letters.words import LETTER_WORDS, VOCABULARIES
from skinapi.languages import LANGUAGES, Language
from skinapi.records.decisions import WaitsFor
from skinapi.records.due_days import say_day
from skinapi.records.letters import READERS
from skinapi.records.opinions import Histology
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table

MARKUP = re.compile(
    r"[<>{}\[\]|\\`*_#@~^=$]|&\w+;|https?:|//|www\.|\b[a-z]{2,}\.(?:com|org|net|io|fr|info)\b", re.I
)


class Contradicts(StrEnum):
    """What a marked sentence contradicts. `visit`: it puts a visit or a treatment off, or does
    without; `time`: one that is not understood; `unsaid`: no sentence says how soon; `outdated`:
    sentences of our draft are older than the review that counts.
    """

    FIGURE = "figure"
    CONDITION = "condition"
    CERTAINTY = "certainty"
    URGENCY = "urgency"
    REASSURANCE = "reassurance"
    VISIT = "visit"
    TIME = "time"
    MEDICINE = "medicine"
    NAME = "name"
    MARKUP = "markup"
    UNSAID = "unsaid"
    OUTDATED = "outdated"


# When to see a doctor is what a patient acts on, so no letter says another time than the decision.
# Vaguer words that put a visit off are marked too, also where nobody does ("bring nothing to the
# visit"), so a doctor may accept those.
OF_URGENCY = frozenset({Contradicts.URGENCY, Contradicts.UNSAID})
BLOCKS_IN_OLDER = OF_URGENCY | {Contradicts.VISIT, Contradicts.REASSURANCE}


@dataclass(frozen=True)
class Mark:
    """`said` is what the sentence names, `facts` what the facts say of it, in the letter's
    language. No letter is signed with one that `blocks`.
    """

    sentence: str
    contradicts: Contradicts
    said: str
    facts: str
    blocks: bool = False

    @property
    def acceptable(self) -> bool:
        return not self.blocks and self.contradicts not in OF_URGENCY


Found = tuple[Contradicts, str, str]


def mark_sentences(text: str, about: LetterFacts, language: Language) -> list[Mark]:
    """The marks in the order of the text, of each sentence one of each kind; `unsaid` is the last,
    and has no sentence. A sentence of our template on these facts has none, unless a name in it
    says something. Of those of our draft from before a review, it is said once that they are older;
    what they say of a visit blocks.
    """
    names = {about.patient, about.doctor}
    telling = sorted(name for name in names if _says_something(name, about))
    own = _own_lines(about, language, telling)
    older = _older_lines(about, language, telling).difference(own)
    marks: list[Mark] = []
    outdated: dict[str, bool] = {}
    levels = set[Band]()
    for sentence in sentences_of(text, own | older):
        data = {*names.difference(telling), about.spot} - {""}
        checked = _Sentence(sentence, about, language, data=data)
        levels |= checked.levels
        if sentence not in own:
            found = [(Contradicts.NAME, name, "") for name in telling if _has_part(sentence, name)]
            found += checked.find()
            if sentence in older:
                outdated[sentence] = any(kind in BLOCKS_IN_OLDER for kind, *_ in found)
            else:
                marks += _one_of_each_kind(sentence, found)
    if about.decision and outdated:
        day, blocks = say_day(about.decision.decided_at, language), any(outdated.values())
        marks.insert(0, Mark("", Contradicts.OUTDATED, " ".join(outdated), day, blocks))
    words = about.band_words(language)
    decided = about.decision.band_words(language) if about.decision else words
    told = {words.label, words.doctor_action, decided.label, decided.next_step}
    if about.decision and about.decision.waits_for is WaitsFor.PHOTO:
        told.add(LETTER_WORDS[language].photo_wanted)
    said = about.band in levels or any(one in text for one in told)
    if not said and about.band is not Band.SELF_MONITORING:
        marks.append(Mark("", Contradicts.UNSAID, "", words.label))
    return marks


def _one_of_each_kind(sentence: str, found: Sequence[Found]) -> Iterator[Mark]:
    kinds = set[Contradicts]()
    for kind, said, facts in found:
        if kind not in kinds:
            yield Mark(sentence, kind, said, facts)
        kinds.add(kind)


def _own_lines(about: LetterFacts, language: Language, telling: list[str]) -> set[str]:
    """What the template would write of these facts, but for names that say something."""
    drafts = (write_by_template(about, reader, language) for reader in READERS)
    lines = {line for draft in drafts for line in lines_of(draft)}
    return {line for line in lines if not any(_has_part(line, name) for name in telling)}


def _older_lines(about: LetterFacts, language: Language, telling: list[str]) -> set[str]:
    """What the template wrote before the review that counts, with or without a day until when."""
    older = about.before
    each = [older, replace(older, due=None)] if older else []
    return {line for one in each for line in _own_lines(one, language, telling)}


def _has_part(sentence: str, name: str) -> bool:
    """Whether the name, or one of the sentences that it is made of, stands in this sentence."""
    return any(part in sentence for part in lines_of(name))


def _says_something(name: str, about: LetterFacts) -> bool:
    """Whether a name is a statement: a name belongs to a person, and says nothing of a spot. One
    word, a season, a number or another alphabet may be anybody's.
    """
    if letters_apart(name) or " " not in name.strip():
        return letters_apart(name) is not None
    judged = _Sentence(name, replace(about, patient=name, doctor=""), LANGUAGES[0])
    return judged.is_statement


# What may stand in the name of a place: a number, a season, the shoulder blade.
OF_PLACES = frozenset(
    {Contradicts.NAME, Contradicts.FIGURE, Contradicts.TIME, Contradicts.MEDICINE}
)


def says_of_the_spot(name: str, about: LetterFacts) -> bool:
    """Whether what the patient calls the spot says what it is, or anything else than where."""
    judged = _Sentence(name, replace(about, patient=name, doctor=""), LANGUAGES[0])
    return judged.has_statement or not OF_PLACES.issuperset(kind for kind, *_ in judged.find())


def _known_days(about: LetterFacts) -> list[date]:
    submission, told = about.submission, [one for one in (about.decision, about.advice) if one]
    return [
        submission.created_at,
        submission.photographed_at,
        *(one.created_at for one in about.course),
        *([about.decision.decided_at] if about.decision else []),
        *([about.advice.since] if about.advice else []),
        *filter(None, (about.due, *(one.due for one in told))),
    ]


class _Sentence:
    """One that is checked. The names in `data` are no part of what it says."""

    def __init__(
        self,
        sentence: str,
        about: LetterFacts,
        language: Language,
        *,
        data: Collection[str] = (),
    ) -> None:
        self._about = about
        self._language = language
        self._words = VOCABULARIES[language]
        for name in data:
            sentence = sentence.replace(name, " ") if " " in name else sentence
        self._apart = letters_apart(sentence)
        dated = read_plainly(sentence)
        self._written = re.sub(r"\s+", " ", without_dates(dated, _known_days(about)))
        self._accents = in_lower_case(self._written)
        self._lower = without_accents(self._accents)
        self._bare = without_names(self._lower)
        self._asserted = without(self._bare, "unasserted")
        self._figures = Figures(self._lower, about.facts, language)
        self._urgencies = Urgencies(self._bare, self._asserted)

    @property
    def levels(self) -> set[Band]:
        """How soon it says that a doctor is to be seen."""
        return self._urgencies.said

    @property
    def is_statement(self) -> bool:
        """Whether it says something that no name would."""
        kinds = {kind for kind, said, _ in self._find() if not is_time_word(said)}
        nameless = kinds - {Contradicts.NAME, Contradicts.FIGURE, Contradicts.MARKUP}
        return self.has_statement or bool(nameless)

    @property
    def has_statement(self) -> bool:
        return self._has("statement")

    def find(self) -> Iterator[Found]:
        for kind, said, facts in self._find():
            yield kind, self._as_written(said), facts

    def _find(self) -> Iterator[Found]:
        for figure in self._figures.find_wrong():
            yield Contradicts.FIGURE, figure, self._figures.say_right()
        yield from self._find_conditions()
        yield from self._find_claims()
        yield from self._find_urgency()
        if not self._about.all_clear:
            yield from self._find_reassurance()
        yield from self._find_others()

    def _as_written(self, said: str) -> str:
        """With its accents."""
        at = self._lower.find(said)
        return self._accents[at : at + len(said)] if at >= 0 else said

    def _has(self, pattern: str) -> bool:
        return any(each(pattern, self._bare))

    def _say_named(self) -> str:
        return ", ".join(sorted(map(self._name, self._about.named)))

    def _name(self, key: str) -> str:
        return conditions_table().name(key, self._language)

    def _find_conditions(self) -> Iterator[Found]:
        facts = self._say_named()
        for clause in dict.fromkeys(re.split(self._words.and_, self._lower)):
            named = {key: clause[start:end] for key, start, end in named_in(clause)}
            for key, said in named.items():
                if not self._may_name(key, clause):
                    yield Contradicts.CONDITION, said, facts
        for said in each("disease", self._bare):
            if not any(re.fullmatch(one.no_disease, said[0]) for one in VOCABULARIES.values()):
                yield Contradicts.CONDITION, said[0], facts
        if not self._about.malignant:
            for claim in pairs("claiming", "cancer", self._asserted, 3):
                if not is_hedged(claim[0]):
                    yield Contradicts.CONDITION, claim[0], facts

    def _may_name(self, key: str, clause: str) -> bool:
        about = self._about
        if key in about.named or (about.sure and self._excludes(key)):
            return True
        if key in about.named_by_finding and any(each("of_the_model", clause)):
            return True
        if self._has("past") and key in {
            named for one in about.course for named in one.finding.headline.keys
        }:
            return True
        return key in self._figures.with_share

    def _excludes(self, key: str) -> bool:
        """Whether the sentence says that it is not this condition."""
        places = [(start, end) for named, start, end in named_in(self._lower) if named == key]
        return not self._has("certain") and all(
            any(
                re.search(rf"{words.excluded}(?: [\w']+){{0,2}} ?$", before(self._lower, start))
                or re.match(rf"(?: [\w']+){{1,3}}? {words.excluded}", self._lower[end : end + 80])
                for words in VOCABULARIES.values()
            )
            for start, end in places
        )

    def _find_claims(self) -> Iterator[Found]:
        """What is said as certain, or as excluded, although no doctor is sure of it."""
        about = self._about
        histology = about.counting and about.counting.histology
        fates = each("fate", self._asserted)
        said = [one[0] for one in fates if not (about.all_clear and is_negated(one))]
        if histology in (None, Histology.NOT_TAKEN):
            said += [one[0] for one in each("laboratory", self._asserted)]
        elif histology is Histology.AWAITED:
            said += [one[0] for one in pairs("laboratory", "outcome", self._asserted, 6)]
            if not self._has("pending"):
                said += [one[0] for one in each("laboratory", self._bare)]
        if not about.sure:
            said += self._find_certain()
        facts = self._say_named()
        if about.decision and about.decision.awaited:
            facts = f"{facts}; {about.decision.band_words(self._language).label}"
        for one in said:
            yield Contradicts.CERTAINTY, one, facts

    def _find_certain(self) -> Iterator[str]:
        asserted = self._asserted
        yield from (one[0] for one in each("certain", asserted) if not is_negated(one))
        if NAME in asserted:
            yield from (one[0] for one in each("excluded", asserted))
        for clause in re.split(self._words.and_, self._bare):
            if NAME in clause and claims(*clause.split(NAME, 1)):
                yield self._with_name(clause.strip())
        if NAME in asserted or any(each("cancer", asserted)):
            open_ = ("hedge", "general", "of_the_model", "conditional")
            told = "%" in self._bare or (self._about.course and self._has("past"))
            if not told and not any(map(self._has, open_)):
                yield self._with_name(self._bare.strip())

    def _with_name(self, bare: str) -> str:
        names = [self._lower[start:end] for _, start, end in named_in(self._lower)]
        return bare.replace(NAME, names[0] if len(names) == 1 else "…")

    def _find_urgency(self) -> Iterator[Found]:
        about = self._about
        label = about.band_words(self._language).label
        for one, level in self._urgencies.levels:
            if self._is_wrong(one, level):
                yield Contradicts.URGENCY, one, label
        for found in each("time_words", self._urgencies.left):
            yield Contradicts.TIME, found[0], label
        watched = about.band is Band.SELF_MONITORING
        dismissed = [*self._find_dismissed("watching" if watched else "visiting")]
        if not about.all_clear:
            dismissed += self._find_dismissed("treating")
            delays = each("delaying", self._urgencies.left)
            dismissed += [one[0] for one in delays if not is_negated(one)]
        for part in dismissed:
            yield Contradicts.VISIT, part, label

    def _is_wrong(self, said: str, level: Band) -> bool:
        band = self._about.band
        if level is band:
            return band is not Band.SELF_MONITORING and self._urgencies.is_negated(said)
        if self._is_supported(said, level):
            return False
        return urgency(level) > urgency(band) or not self._has("conditional")

    def _find_dismissed(self, pattern: str) -> Iterator[str]:
        """The parts that negate a visit, or what a doctor would do."""
        for clause in re.split(self._words.and_, self._asserted):
            if any(each("negating", clause)) and any(each(pattern, clause)):
                yield clause.strip()

    def _find_reassurance(self) -> Iterator[Found]:
        asserted = self._asserted
        soothing = [*each("reassuring", asserted), *pairs("looking", "fine", asserted, 3)]
        said = [one[0] for one in soothing if not is_negated(one)]
        said += [one[0] for one in each("improbable", asserted)]
        for first, second, within in (
            ("negating", "danger", 5),
            ("danger", "excluded", 3),
            ("chance", "small", 6),
            ("small", "chance", 2),
        ):
            said += [one[0] for one in pairs(first, second, asserted, within)]
        label = self._about.band_words(self._language).label
        for one in said:
            yield Contradicts.REASSURANCE, one, label

    def _is_supported(self, said: str, level: Band) -> bool:
        """Whether it says how old an earlier finding is, or is one of a doctor's words for this
        band: "routine referral", or the two weeks of the pathway that is entered this week.
        """
        band = self._about.band
        if band is Band.URGENT_REFERRAL and level is Band.REFERRAL:
            return self._has("pathway")
        if band is Band.REFERRAL and said == "routine":
            return "routine referral" in self._bare
        if band is Band.ROUTINE and self._about.all_clear and any(each("watching", said)):
            return True
        return self._has("past") and self._is_of_course(said)

    def _is_of_course(self, said: str) -> bool:
        times = [days for words in VOCABULARIES.values() for _, days in times_in(said, words)]
        return any(
            abs(days - time) <= max(1, time / 6)
            for time in times
            for _, days in self._about.days_before()
        )

    def _find_others(self) -> Iterator[Found]:
        for said in each("medicine", without(self._bare, "no_medicine")):
            if not is_negated(said):
                yield Contradicts.MEDICINE, said[0], ""
        markup = MARKUP.search(self._written)
        hidden = (self._apart, foreign_letters(self._written), markup and markup[0])
        for sign in filter(None, hidden):
            yield Contradicts.MARKUP, sign, ""
        about = self._about
        decided_by = about.decision.decided_by if about.decision else ""
        people = f"{about.patient} {about.doctor} {decided_by} {about.spot}".split()
        for name in find_strangers(self._written, people):
            yield Contradicts.NAME, name, f"{self._about.patient}; {self._about.doctor}"
