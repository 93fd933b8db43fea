from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from skinapi.base.languages import Language, LocalizedText
from skinapi.model.bands import most_probable, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.headline import (
    LEAST_SHARE,
    Headline,
    RankedCondition,
    as_mapping,
    join_sentences,
    say_share_of,
    whole_percent,
)
from skinapi.model.patient_facts import Fact

# A smaller change would alarm or reassure without being useful.
LEAST_POINTS = 5


@dataclass(frozen=True, slots=True)
class FactsEffect:
    """`pictured` are the probabilities from the picture alone and `shown` those with the facts,
    both as displayed. `moved_by` are the facts that moved the likely condition, if known.
    `may_comfort` means that nothing else requires a doctor soon.
    """

    headline: Headline
    shown: dict[str, float]
    pictured: dict[str, float]
    moved_by: tuple[Fact, ...]
    may_comfort: bool
    several: bool

    @classmethod
    def from_headline(
        cls,
        headline: Headline,
        *,
        most_probable: str,
        shown: Iterable[RankedCondition],
        from_picture: Sequence[RankedCondition] | None,
        moved_by: tuple[Fact, ...],
        band: Band,
        uncertain: bool,
        several: bool,
    ) -> Self | None:
        if from_picture is None or headline.not_skin:
            return None
        soon = urgency(band) <= urgency(Band.REFERRAL)
        return cls(
            headline=headline,
            shown=as_mapping(shown),
            pictured=as_mapping(from_picture),
            moved_by=moved_by if headline.likely.key == most_probable else (),
            may_comfort=not (soon or uncertain or headline.told_signs or headline.by_picture),
            several=several,
        )

    @property
    def for_patient(self) -> LocalizedText | None:
        """None if the effect is small and the likely condition is the same. Also None if it would
        be reassuring although there is a doubt, advice to see a doctor soon, or a sign that is a
        reason to go.
        """
        words, key = conditions_table().notices.facts_effect, self.headline.likely.key
        if key == NORMAL_SKIN or self.headline.mostly_malignant or self._is_small(key):
            return None
        now, before = (_count(key, shares[key]) for shares in (self.shown, self.pictured))
        more_likely = self.shown[key] > self.pictured[key]
        if self._comforts(key, more_likely) and not self.may_comfort:
            return None
        sentence = words.more_likely if more_likely else words.less_likely
        said = sentence.fill(
            facts=self._list_facts(for_doctor=False),
            name=conditions_table().notices.headline.names[key].patient,
            picture=words.picture["many" if self.several else "one"],
            now=now,
            before=before,
        )
        return join_sentences([said])

    def _is_small(self, key: str) -> bool:
        now, before = (whole_percent(key, shares[key]) for shares in (self.shown, self.pictured))
        same_name = most_probable(self.shown) == most_probable(self.pictured)
        return abs(now - before) < LEAST_POINTS and same_name

    def _comforts(self, key: str, more_likely: bool) -> bool:
        malignant = key in conditions_table().malignant_keys
        return (not malignant or bool(self.headline.not_ruled_out)) if more_likely else malignant

    @property
    def for_doctor(self) -> LocalizedText | None:
        words, names = conditions_table().notices.facts_effect, self.headline.keys
        shares = {key: say_share_of(key, self.pictured[key]) for key in names}
        if all(said == say_share_of(key, self.shown[key]) for key, said in shares.items()):
            return None
        named = conditions_table().notices.headline.names

        def say_names(language: Language) -> str:
            return ", ".join(
                f"{named[key].doctor.in_language(language)} ({share.in_language(language)})"
                for key, share in shares.items()
            )

        return words.doctor["many" if self.several else "one"].fill(
            names=LocalizedText.by(say_names), facts=self._list_facts(for_doctor=True)
        )

    def _list_facts(self, *, for_doctor: bool) -> LocalizedText:
        words = conditions_table().notices.facts_effect
        named = words.doctor_facts if for_doctor else words.facts
        return _join([named[fact] for fact in self.moved_by] or [named["other"]], words.both)


def _join(texts: Collection[LocalizedText], both: LocalizedText) -> LocalizedText:
    *others, last = texts
    if not others:
        return last
    first = LocalizedText.joined(", ", others)
    return both.fill(first=first, last=last)


def _count(key: str, share: float) -> LocalizedText:
    """How many in 100, never 0 or 100: nothing is certain."""
    words = conditions_table().notices.facts_effect
    if share < LEAST_SHARE:
        return words.less_than_one
    percent = whole_percent(key, share)
    if percent > 99 or share > 1 - LEAST_SHARE:
        return words.more_than_99
    return LocalizedText.by(lambda _: str(percent))
