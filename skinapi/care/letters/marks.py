"""Marks the sentences of a letter that name a figure, a condition or an urgency which the facts do
not support. A person signs the letter: nothing is refused or changed here. What an LLM writes in
another language than it was asked for is found too: the words of all languages are looked for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property

from skinapi.care.letters.drafting import write_by_template
from skinapi.care.letters.figures import Figures
from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.sentences import (
    NAME,
    VOCABULARIES,
    WORD,
    band_of,
    named_in,
    sentences_of,
    times_in,
    without_names,
)
from skinapi.care.letters.words import LETTER_WORDS
from skinapi.care.letters.words.letter_words import Vocabulary
from skinapi.languages import LANGUAGES, Language
from skinapi.records.reviews.letters import READERS
from skinapi.records.reviews.opinions import Histology
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table

MARKUP = re.compile(
    r"[<>{}\[\]|\\`*_#@~^=$]|&\w+;|https?:|//|www\.|\b[a-z]{2,}\.(?:com|org|net|io|fr|info)\b", re.I
)


class Contradicts(StrEnum):
    """What a marked sentence contradicts. `unsaid`: no sentence says how soon to see a doctor."""

    FIGURE = "figure"
    CONDITION = "condition"
    CERTAINTY = "certainty"
    URGENCY = "urgency"
    REASSURANCE = "reassurance"
    MEDICINE = "medicine"
    NAME = "name"
    MARKUP = "markup"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class Mark:
    """`said` is what the sentence names, `facts` what the facts say of it, in the letter's
    language.
    """

    sentence: str
    contradicts: Contradicts
    said: str
    facts: str


def mark_sentences(text: str, about: LetterFacts, language: Language) -> list[Mark]:
    """The marks in the order of the text; `unsaid` is the last, and has no sentence."""
    own = _own_sentences(about, language)
    marks, levels = [], set()
    for sentence in sentences_of(text):
        checked = _Sentence(sentence, about, language)
        levels |= {level for _, level in checked.levels}
        if sentence not in own:
            marks += [Mark(sentence, *found) for found in dict.fromkeys(checked.find())]
    words = about.band_words(language)
    said = about.band in levels or words.label in text or words.doctor_action in text
    if not said and about.band is not Band.SELF_MONITORING:
        marks.append(Mark("", Contradicts.UNSAID, "", words.label))
    return marks


def _own_sentences(about: LetterFacts, language: Language) -> set[str]:
    """What the template would write of these facts."""
    drafts = (write_by_template(about, reader, language) for reader in READERS)
    return {sentence for draft in drafts for sentence in sentences_of(draft)}


Found = tuple[Contradicts, str, str]


class _Sentence:
    def __init__(self, sentence: str, about: LetterFacts, language: Language) -> None:
        self._about = about
        self._language = language
        self._words = LETTER_WORDS[language].vocabulary
        self._written = _without_dates(sentence, about)
        lower = self._written.casefold().replace("’", "'").replace("n't", " not")
        lower = lower.replace("cannot", "can not")
        self._lower = re.sub(r"\s", " ", lower)
        self._bare = without_names(self._lower)
        self._figures = Figures(self._lower, about.facts, language)

    def find(self) -> Iterator[Found]:
        for figure in self._figures.find_wrong():
            yield Contradicts.FIGURE, figure, self._figures.say_right()
        yield from self._find_conditions()
        yield from self._find_claims()
        yield from self._find_urgency()
        yield from self._find_others()

    def _has(self, pattern: str) -> bool:
        return any(re.search(getattr(words, pattern), self._bare) for words in VOCABULARIES)

    def _say_named(self) -> str:
        return ", ".join(sorted(map(self._name, self._about.named)))

    def _name(self, key: str) -> str:
        return conditions_table().name(key, self._language)

    def _find_conditions(self) -> Iterator[Found]:
        facts = self._say_named()
        for key, start, end in named_in(self._lower):
            if not self._may_name(key):
                yield Contradicts.CONDITION, self._lower[start:end], facts
        for words in VOCABULARIES:
            for said in re.finditer(words.disease, self._bare):
                if not any(re.fullmatch(one.no_disease, said[0]) for one in VOCABULARIES):
                    yield Contradicts.CONDITION, said[0], facts

    def _may_name(self, key: str) -> bool:
        about = self._about
        if key in about.named or (about.sure and self._excludes(key)):
            return True
        if key in about.named_by_finding and self._has("of_the_model"):
            return True
        if self._has("past") and key in {one.finding.stated for one in about.course}:
            return True
        return self._figures.gives_share_of(key)

    def _excludes(self, key: str) -> bool:
        """Whether the sentence says that it is not this condition."""
        places = [(start, end) for named, start, end in named_in(self._lower) if named == key]
        return not self._has("certain") and all(
            any(
                re.search(rf"{words.excluded}(?: [\w']+){{0,2}} ?$", self._lower[:start])
                or re.match(rf"(?: [\w']+){{1,3}}? {words.excluded}", self._lower[end:])
                for words in VOCABULARIES
            )
            for start, end in places
        )

    def _find_claims(self) -> Iterator[Found]:
        """What is said as certain, or as excluded, although no doctor is sure of it."""
        about, facts = self._about, self._say_named()
        decision = about.decision
        if decision is None or decision.histology in (None, Histology.NOT_TAKEN):
            for words in VOCABULARIES:
                for said in re.finditer(words.laboratory, self._bare):
                    yield Contradicts.CERTAINTY, said[0], facts
        if about.sure:
            return
        bare = self._bare
        for words in VOCABULARIES:
            bare = re.sub(words.not_excluded, " ", bare)
        for words in VOCABULARIES:
            for said in re.finditer(words.certain, bare):
                if not _is_negated(bare[: said.start()], words):
                    yield Contradicts.CERTAINTY, said[0], facts
            if NAME in bare and (excluded := re.search(words.excluded, bare)):
                yield Contradicts.CERTAINTY, excluded[0], facts
        for clause in re.split(self._words.and_, self._bare):
            if NAME in clause and _claims(*clause.split(NAME, 1)):
                yield Contradicts.CERTAINTY, self._with_name(clause.strip()), facts

    def _with_name(self, bare: str) -> str:
        names = [self._lower[start:end] for _, start, end in named_in(self._lower)]
        return bare.replace(NAME, names[0] if len(names) == 1 else "…")

    @cached_property
    def levels(self) -> list[tuple[str, Band]]:
        """The times and the words for an urgency in this sentence, each with the band that it is
        one of.
        """
        found, left = [], self._bare
        for words in VOCABULARIES:
            left = re.sub(words.urging, " ; ", left)
        for words in VOCABULARIES:
            for said, days in times_in(left, words):
                found.append((said, band_of(days)))
                left = left.replace(said, " ; ", 1)
            for band, pattern in words.levels.items():
                found += [(said[0], band) for said in re.finditer(pattern, left)]
                left = re.sub(pattern, " ; ", left)
        return found

    def _find_urgency(self) -> Iterator[Found]:
        about = self._about
        label = about.band_words(self._language).label
        for said, level in self.levels:
            if level is about.band or self._is_supported(said, level):
                continue
            milder = urgency(level) > urgency(about.band)
            if milder or not self._has("conditional"):
                yield Contradicts.URGENCY, said, label
        if not about.all_clear:
            for words in VOCABULARIES:
                for soothing in re.finditer(words.reassuring, self._bare):
                    if not _is_negated(self._bare[: soothing.start()], words):
                        yield Contradicts.REASSURANCE, soothing[0], label
        for words in VOCABULARIES:
            for claimed in re.finditer(words.cancer, self._bare):
                if not (about.malignant or re.search(words.hedge, claimed[0])):
                    yield Contradicts.CONDITION, claimed[0], self._say_named()

    def _is_supported(self, said: str, level: Band) -> bool:
        """Whether it says how old an earlier finding is, or is one of a doctor's words for this
        band: "routine referral", or the two weeks of the pathway that is entered this week.
        """
        band = self._about.band
        if band is Band.URGENT_REFERRAL and level is Band.REFERRAL:
            return self._has("pathway")
        if band is Band.REFERRAL and said == "routine":
            return "routine referral" in self._bare
        return self._has("past") and self._is_of_course(said)

    def _is_of_course(self, said: str) -> bool:
        times = [days for words in VOCABULARIES for _, days in times_in(said, words)]
        return any(
            abs(days - time) <= max(1, time / 6)
            for time in times
            for _, days in self._about.days_before()
        )

    def _find_others(self) -> Iterator[Found]:
        for words in VOCABULARIES:
            for said in re.finditer(words.medicine, self._bare):
                yield Contradicts.MEDICINE, said[0], ""
        if markup := MARKUP.search(self._written):
            yield Contradicts.MARKUP, markup[0], ""
        for name in self._names():
            yield Contradicts.NAME, name, f"{self._about.patient}; {self._about.doctor}"

    def _names(self) -> Iterator[str]:
        people = f"{self._about.patient} {self._about.doctor}".split()
        written = self._written
        for words in VOCABULARIES:
            for titled in re.findall(words.title, written):
                if titled.split()[-1] not in people:
                    yield titled
                written = written.replace(titled, titled.casefold())
        known = _known_words() | {word.casefold() for word in people}
        for found in WORD.finditer(written):
            # Of "L'Alsace" the second word, of "J'ai" none.
            word = re.sub(r"^\w{1,2}['’]", "", found[0])
            begins = not WORD.search(written[: found.start()])
            after = written[found.end() :]
            if begins and not any(re.match(rf"\s?{one.after_name}", after) for one in VOCABULARIES):
                continue
            if word[0].isupper() and word.casefold() not in known:
                yield word


def _without_dates(sentence: str, about: LetterFacts) -> str:
    """Without the dates that are known here."""
    days = [about.submission.created_at, *(one.created_at for one in about.course)]
    if about.decision:
        days.append(about.decision.decided_at)
    known: list[str] = []
    for day in days:
        known += [f"{day:%Y-%m-%d}", f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}"]
        for words in VOCABULARIES:
            month = words.months[day.month - 1]
            known += [f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"]
    for text in known:
        sentence = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", " ", sentence)
    return sentence


def _claims(before: str, after: str) -> bool:
    """Whether a name between these words is said to be what it is."""
    for words in VOCABULARIES:
        if re.match(rf" {words.found}", after):
            return True
        for claim in re.finditer(words.claim, before):
            far = len(before[claim.end() :].split()) > 3
            if not (far or re.search(words.hedge, before)):
                return True
    return False


def _is_negated(before: str, words: Vocabulary) -> bool:
    """Whether the word after this is negated, in its own part of the sentence."""
    part = re.split(words.and_, before)[-1]
    return re.search(words.negation, part) is not None


@cache
def _known_words() -> frozenset[str]:
    """The words that are no names, at the beginning of a sentence or within it."""
    table = conditions_table()
    texts: list[str] = []
    for language in LANGUAGES:
        words = LETTER_WORDS[language].vocabulary
        texts += [words.first_words, *words.months, words.months[0]]
        texts += [table.name(key, language) for key in table.labels]
        texts += _all_texts(table.band_words(band, language) for band in Band)
        texts += _all_texts(one.sentences[language] for one in table.conditions)
    return frozenset(word.casefold() for text in texts for word in WORD.findall(text))


def _all_texts(values: Iterable[object]) -> Sequence[str]:
    return [text for value in values for text in vars(value).values() if isinstance(text, str)]
