"""Reads all sentences about a finding, and names those that contradict each other or the finding.
It knows only the reader of each view, so that new views are covered too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from skinapi.base.days import DAYS
from skinapi.base.languages import Language, in_each_language
from skinapi.findings.reports.facts import Facts
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.bands import is_sent, severity_rank
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.headline import LEAST_SHARE, say_chance, say_share

TABLE = conditions_table()
SURE_ENOUGH = 0.5  # what is named as the reason without a doubt
GUIDELINE = "NICE"
CITED = 0.1  # of what is less probable, no guideline on its suspicion
WORDS_OF_A_SENTENCE = 4
OF_THE_MODEL = "harmless or not"  # its answer stands second, unchanged, where a doctor has decided
IN_A_ROW = " · "  # what one of several pictures alone says
# Pairs that may not be in one view, and why.
PAIRS: Mapping[Language, tuple[tuple[str, str, str], ...]] = in_each_language(
    {
        "en": (
            (
                "Most likely",
                "cannot tell (?:which|the possibilities)|the check cannot|not sure which kind",
                "which kind",
            ),
            ("does not look like skin", "should see it in any case", "skin or not"),
            ("[Hh]armless", "cannot be ruled out|[Nn]ot ruled out", OF_THE_MODEL),
            ("is awaited", "Laboratory's result:", "whether there is a result"),
            # One of the two may be about another photo of the spot.
            (
                "[Pp]roven by",
                "^(?!Said of this photo:).*suspected|result is awaited",
                "proven or not",
            ),
            ("could not be judged", "[Nn]o appointment is needed", "judged or not"),
            ("was not answered", "list that doctors use", "answered or not"),
        ),
        "fr": (
            (
                "le plus probablement",
                "ne peut pas le dire|ne départage|sûr de ce que c",
                "which kind",
            ),
            (
                "ne ressemble pas à de la peau",
                "doit voir la tache dans tous les cas",
                "skin or not",
            ),
            ("inoffensi|un amas bénin|et bénin", "peut pas exclure|[Nn]on exclu", OF_THE_MODEL),
            ("est attendu", "Résultat du laboratoire :", "whether there is a result"),
            (
                "[Pp]rouvé par",
                "^(?!Dit de cette photo).*suspecté|résultat du laboratoire est attendu",
                "proven or not",
            ),
            ("n'a pas pu être jugée", "[Aa]ucun rendez-vous n'est nécessaire", "judged or not"),
            ("n'a pas été remplie", "liste utilisée par les médecins", "answered or not"),
        ),
    }
)
SAYS: Mapping[Language, Mapping[str, str]] = in_each_language(
    {
        "en": {
            "reason": "he reason: ",
            "open": " that (?:cannot be ruled out|is found early)",
            "hedged": "(?:may show|treating) ",
            "not_ruled_out": "cannot be ruled out",
            "likely": "Most likely {}.",
            "picture": "picture",
            "by": r"(?:[Bb]y|at the latest by)",
            "waits_for_change": "see a doctor if it changes",
            "misses": "his check missed|how often this check",
            "guessed": "seems to be",
            "number": r"(?:(?:about|less than|more than) \d+ in \d+|[<>]?\d+%)",
            "with_facts": r"({}) is (more|less) likely than .+: (.+) instead of (.+) in 100\.",
            "more": "more",
        },
        "fr": {
            "reason": "La raison : ",
            "open": " que l'on ne peut pas exclure",
            "hedged": "(?:peut montrer|traiter|découvert tôt,) ",
            "not_ruled_out": "peut pas exclure",
            "likely": "Il s'agit le plus probablement d'{}.",
            "picture": "image",
            "by": r"(?:[Dd]'ici au|[Aa]u plus tard le)",
            "waits_for_change": "voir un médecin si cela change",
            "misses": "manque|ce contrôle en a manqué",
            "guessed": "semble l'être",
            "number": r"(?:(?:environ|moins de|plus de) \d+ sur \d+|[<>]? ?\d+ %)",
            "with_facts": r"({}) est (plus|moins) probable que .+ : (.+) sur 100 au lieu de (.+)\.",
            "more": "plus",
        },
    }
)


@dataclass(frozen=True)
class About:
    """What is known of the finding: its facts, the doctors' decisions, and the instruction of its
    spot if another finding set that. `decision` is also that of the spot, if one counts.
    """

    facts: Facts
    language: Language
    written: date
    decision: Decision | None = None
    advice: Instruction | None = None

    @property
    def counts(self) -> Band | None:
        """Return the resulting urgency, or None while something is pending."""
        said = self.advice or self.decision
        if said and said.waits_for:
            return None
        if self.advice:
            return self.advice.band
        return self.decision.urgency if self.decision else self.facts.band

    @property
    def undecided(self) -> bool:
        return self.decision is None and self.advice is None


class Contradiction(NamedTuple):
    view: str
    why: str
    sentences: tuple[str, ...]


def contradictions(
    views: Iterable[tuple[str, tuple[str, ...]]], about: About
) -> list[Contradiction]:
    """`views` maps names to sentences. A name begins with its reader (`patient`, `doctor` or
    `both`), or with `mail`.
    """
    reader = Reader(about)
    return [found for name, sentences in views for found in reader.read(name, sentences)]


class Reader:
    def __init__(self, about: About) -> None:
        self._about, self._facts, self._language = about, about.facts, about.language
        self._says = SAYS[about.language]
        self._keys = {name: key for key in TABLE.keys for name in _names(key, about.language)}
        longest_first = sorted(self._keys, key=len, reverse=True)
        self._any_name = "|".join(map(re.escape, longest_first))

    def read(self, name: str, sentences: tuple[str, ...]) -> Iterator[Contradiction]:
        who = name.partition(":")[0]
        if who == "mail":
            yield from (Contradiction(name, *item) for item in self._named_in_a_mail(sentences))
            return
        for why, *which in self._stand_together(sentences):
            yield Contradiction(name, why, tuple(which))
        rules = [self._twice, self._unsure_reason, self._other_number, self._other_likely]
        rules += [self._past, self._guideline, self._kind, self._mild_text, self._spared]
        rules += [self._unlikely_heading, self._looks_most_like, self._with_facts]
        rules += [self._other_urgency, self._told_change] if who != "doctor" else []
        rules += [self._graver_unnamed] if who == "doctor" else []
        for rule in rules:
            yield from (Contradiction(name, why, (item,)) for why, item in rule(sentences))

    def _named_in_a_mail(self, sentences: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for sentence in sentences:
            if re.search(self._any_name, sentence, re.IGNORECASE):
                yield "a mail names a condition", (sentence,)

    def _stand_together(self, sentences: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        text = "\n".join(sentences)
        for first, second, why in PAIRS[self._language]:
            settled = why == OF_THE_MODEL and not self._about.undecided
            if settled or not (re.search(first, text) and re.search(second, text)):
                continue
            one, other = (
                next((each for each in sentences if re.search(pattern, each)), "")
                for pattern in (first, second)
            )
            yield why, one, other

    def _twice(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        for item, times in Counter(sentences).items():
            if times > 1 and item.endswith(".") and len(item.split()) >= WORDS_OF_A_SENTENCE:
                yield f"{times} times", item

    def _unsure_reason(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """A cancer is named as the reason only if it is probable, or said to be open."""
        shown = {entry.key: entry.probability for entry in self._facts.shown.ranked}
        bare = re.compile(rf"\b({self._any_name})(?!{self._says['open']}| ?[(:])")
        hedged = re.compile(rf"{self._says['hedged']}(?:{self._any_name})")
        for sentence in sentences:
            for name in bare.findall(hedged.sub("", sentence.partition(self._says["reason"])[2])):
                key = self._keys[name]
                if key in TABLE.malignant_keys and shown.get(key, 0) < SURE_ENOUGH:
                    yield f"the reason has {shown.get(key, 0):.0%}", sentence

    def _other_number(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        number = re.compile(rf"\b({self._any_name})(?: \(|: |, )({self._says['number']})")
        for sentence in sentences:
            for name, said in number.findall(sentence):
                alone = self._says["picture"] in sentence.lower() or IN_A_ROW in sentence
                known = self._numbers_of(self._keys[name], alone=alone)
                if said not in known:
                    yield f"{name} has {sorted(known)}", sentence

    def _numbers_of(self, key: str, *, alone: bool) -> set[str]:
        """Return the figures of one picture (`alone`) if the sentence says so."""
        facts, malignant = self._facts, key in TABLE.malignant_keys
        lists = [[*facts.shown.ranked], [*(facts.shown.from_picture or ())]]
        heads = [*(picture.heading for picture in facts.pictures), facts.shown.alone]
        lists += [[e for e in heads if e]] if alone else []
        shares = [e.probability for each in lists for e in each if e.key == key]
        said = [say_share(share, malignant=malignant) for share in shares]
        for hundreds in (False, True):
            said += [say_chance(s, malignant=malignant, in_hundreds=hundreds) for s in shares]
        return {" ".join(item.in_language(self._language).split()) for item in said}

    def _other_likely(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        likely = self._facts.headline.likely.key
        for key, said in self._said_likely(sentences):
            if self._facts.examined and key != likely:
                yield f"most likely is {likely}", said

    def _said_likely(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        for key, each in TABLE.notices.headline.names.items():
            said = self._says["likely"].format(each.patient.in_language(self._language))
            if said in sentences:
                yield key, said

    def _unlikely_heading(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Malignant conditions that add up to more than half come first."""
        headline = self._facts.headline
        if headline.malignant <= SURE_ENOUGH or not is_sent(self._facts.band):
            return
        for key, said in self._said_likely(sentences):
            if key not in TABLE.malignant_keys:
                yield f"{headline.malignant:.0%} are malignant", said

    def _looks_most_like(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """No small figure is shown with the condition that a picture is said to look most like."""
        words, headline = TABLE.notices.headline, self._facts.headline
        for entry in headline.not_ruled_out:
            name = words.names[entry.key].patient
            said = " ".join(words.by_picture.fill(name=name).in_language(self._language).split())
            if said in sentences and entry.probability < SURE_ENOUGH:
                yield f"{entry.key} has {entry.probability:.0%}", said

    def _with_facts(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The facts' effect has the figures of the lists. It comforts no patient who is to go soon,
        reads of a doubt, or reported a sign.
        """
        facts, likely = self._facts, self._facts.headline.likely.key
        form = re.compile(self._says["with_facts"].format(self._any_name))
        for sentence in sentences:
            for name, direction, *figures in form.findall(sentence):
                key, more = self._keys[name], direction == self._says["more"]
                lists = (facts.shown.ranked, facts.shown.from_picture or ())
                shares = [e.probability for each in lists for e in each if e.key == key]
                known = [say_share(s, malignant=key in TABLE.malignant_keys).en for s in shares]
                written = [re.sub(r"\D+", "", figure) for figure in figures]
                if written != [re.sub(r"\D+", "", share) for share in known]:
                    yield f"{key} has {known}", sentence
                if key != likely or more != (shares[0] > shares[-1]):
                    yield f"{likely} has {known}", sentence
                soon = facts.band in (Band.URGENT_REFERRAL, Band.REFERRAL)
                alarmed = soon or facts.uncertain or facts.context.told_signs
                graver = facts.headline.not_ruled_out and more
                if alarmed and (graver or more != (key in TABLE.malignant_keys)):
                    yield "comforts", sentence

    def _past(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """A day to act on is not past when it is written, and its weekday is not named first."""
        words = DAYS[self._language]
        months = {month: place for place, month in enumerate(words.months.split(), 1)}
        day = rf"(\d+)(?:er)? ({'|'.join(months)}) (\d{{4}})"
        for sentence in sentences:
            for number, month, year in re.findall(rf"{self._says['by']} {day}", sentence):
                if date(int(year), months[month], int(number)) < self._about.written:
                    yield "past", sentence
            if re.search(rf"{self._says['by']} (?:{'|'.join(words.weekdays.split())})\b", sentence):
                yield "a weekday before its day", sentence

    def _guideline(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """A guideline about a suspicion is quoted only for what is suspected."""
        headline, decision = self._facts.headline, self._about.decision
        entries = [*self._facts.shown.ranked, headline.likely, *headline.not_ruled_out]
        shown = {entry.key: entry.probability for entry in entries}
        label = decision.label if decision else None
        # An urgent one may be so by the checklist; and these are not the other finding's numbers.
        skipped = self._about.counts is Band.URGENT_REFERRAL or self._about.advice
        for item in sentences if not skipped else ():
            named = {self._keys[name] for name in re.findall(self._any_name, item)}
            suspected = {label} if label else {key for key in named if shown.get(key, 0) >= CITED}
            if GUIDELINE in item and named and not named & suspected:
                yield f"{sorted(named)} have less than {CITED:.0%}", item

    def _kind(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The share of missed cancers is that of the stated kind of picture, or of a guess."""
        told = self._facts.context.modality
        kinds = {
            kind: words.many.in_language(self._language)
            for kind, words in TABLE.notices.kinds.items()
        }
        for sentence in sentences:
            named = {kind for kind, said in kinds.items() if said in sentence}
            if not re.search(self._says["misses"], sentence) or len(named) != 1:
                continue
            guess = self._says["guessed"] in sentence or bool(self._facts.pictures)
            if told is not Modality.UNKNOWN and told not in named:
                yield f"told as {told}", sentence
            if told is Modality.UNKNOWN and not guess:
                yield "nobody told its kind", sentence

    def _mild_text(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The words for the case of a cancer name the most serious condition that is named."""
        headline = self._facts.headline
        ranks = {k: severity_rank(k, [e.key for e in self._facts.ranked]) for k in headline.keys}
        for key in TABLE.malignant_keys if self._about.undecided else ():
            early = " ".join(TABLE.by_key(key).sentences[self._language].why_early.split())
            first = early.partition(". ")[0] + "."
            graver = [rank for rank in ranks if key in ranks and ranks[rank] < ranks[key]]
            if first in sentences and graver:
                yield f"{graver[0]} is graver", first

    def _spared(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        if self._about.undecided and not is_sent(self._facts.band):
            for sentence in sentences:
                if self._says["not_ruled_out"] in sentence:
                    yield "nobody is sent to a doctor", sentence

    def _other_urgency(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        asked = asked_in(" ".join(sentences), self._language)
        counts = {self._about.counts} if self._about.counts else set()
        for band in asked - counts:
            yield f"what counts is {self._about.counts}", band

    def _told_change(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        changed = "change_in_size" in (self._facts.context.checklist or ())
        for item in sentences if changed and self._about.undecided else ():
            if self._says["waits_for_change"] in item:
                yield "it was told that it has changed", item

    def _graver_unnamed(self, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each more serious cancer that is at least half as probable is named, if one is sent."""
        facts, headline = self._facts, self._facts.headline
        outputs = [entry.key for entry in facts.ranked]
        shares = {e.key: e.probability for e in facts.ranked if e.key in TABLE.malignant_keys}
        if facts.alone and facts.alone.key == headline.by_picture:
            shares[facts.alone.key] = facts.alone.probability
        said = " ".join(headline.for_doctor.in_language(self._language).split())
        shown = is_sent(facts.band) and said.partition(". ")[0].rstrip(".") + "." in sentences
        for key, share in shares.items() if shown else ():
            milder = [
                item
                for item in headline.keys
                if item in shares and severity_rank(key, outputs) < severity_rank(item, outputs)
            ]
            least = min((shares[item] / 2 for item in milder), default=1.0)
            if key not in headline.keys and share >= max(LEAST_SHARE, least):
                yield f"{key} has {share:.0%}", said


def _names(key: str, language: Language) -> set[str]:
    words = TABLE.notices.headline.names[key]
    said = [words.patient.in_language(language), words.doctor.in_language(language)]
    return {" ".join(item.split()) for item in [*said, TABLE.name(key, language)]}


def asked_in(text: str, language: Language) -> set[Band]:
    checklist = TABLE.checklist.result.below.in_language(language)
    sentences = {
        band: {words.label, words.action, words.first_step, words.next_step}
        for band in Band
        for words in [TABLE.band_words(band, language)]
    }
    # A doctor's "go sooner if" suits several bands; a sentence of only one band identifies it.
    own = {
        band: said - set().union(*(sentences[other] for other in Band if other is not band))
        for band, said in sentences.items()
    }
    text = " ".join(text.split())
    found = {
        band for band, said in own.items() if any(" ".join(item.split()) in text for item in said)
    }
    mild = " ".join(checklist.split()) in text and found != {Band.ROUTINE}
    return found | ({Band.SELF_MONITORING} if mild else set())
