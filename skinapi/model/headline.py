"""The ranked conditions of a finding and its headline: the likely condition, and what cannot be
ruled out. All views use it; the words are in `conditions.yaml`, under `notices.headline`.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field

from skinapi.base.languages import NUMBERS, Language, LocalizedText
from skinapi.base.stored_record import StoredRecord
from skinapi.model.bands import (
    PLAUSIBLE_SHARE,
    THRESHOLDS,
    RaisedBy,
    is_sent,
    severity_rank,
    threshold_scores,
    urgency,
)
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table


class RankedCondition(StoredRecord):
    key: str
    probability: float = Field(ge=0, le=1)


def probability_of(ranked: Iterable[RankedCondition], key: str) -> float:
    return next(entry.probability for entry in ranked if entry.key == key)


class RestatedProbabilities(StoredRecord):
    """The probabilities where the share `prevalence` of the lesions is malignant (PREVALENCE): they
    are shown, and the finding's own decide on everything.
    """

    prevalence: float = Field(gt=0, lt=1)
    ranked: tuple[RankedCondition, ...] = Field(min_length=2)
    malignant_score: float = Field(ge=0, le=1)
    from_picture: tuple[RankedCondition, ...] | None = None
    alone: RankedCondition | None = Field(default=None, exclude_if=lambda alone: alone is None)

    @classmethod
    def from_probabilities(
        cls,
        probabilities: Mapping[str, float],
        from_picture: Mapping[str, float] | None,
        prevalence: float,
    ) -> Self:
        ranked = rank(probabilities)
        return cls(
            prevalence=prevalence,
            ranked=ranked,
            malignant_score=sum_malignant(ranked),
            from_picture=rank(from_picture) if from_picture else None,
        )


class NotRuledOut(StoredRecord):
    """The lesion classes in a conformal prediction set (https://arxiv.org/abs/2107.07511): the sets
    contain the true class for the share `level` of its lesions, except for classes in `too_few`.
    """

    level: Literal["0.90", "0.95"]
    keys: tuple[str, ...]
    too_few: tuple[str, ...] = ()


def rank(probabilities: Mapping[str, float]) -> tuple[RankedCondition, ...]:
    entries = sorted(probabilities.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(RankedCondition(key=key, probability=probability) for key, probability in entries)


def as_mapping(ranked: Iterable[RankedCondition]) -> dict[str, float]:
    return {entry.key: entry.probability for entry in ranked}


def add_up(
    ranked: Iterable[RankedCondition], counted: Mapping[str, str]
) -> tuple[RankedCondition, ...]:
    sums: dict[str, float] = {}
    for entry in ranked:
        key = counted[entry.key]
        sums[key] = sums.get(key, 0.0) + entry.probability
    return rank({key: min(1.0, share) for key, share in sums.items()})


def without_normal_skin(ranked: Iterable[RankedCondition]) -> tuple[RankedCondition, ...]:
    lesions = [entry for entry in ranked if entry.key != NORMAL_SKIN]
    whole = math.fsum(entry.probability for entry in lesions)
    return tuple(RankedCondition(key=e.key, probability=e.probability / whole) for e in lesions)


def sum_malignant(ranked: Iterable[RankedCondition]) -> float:
    malignant = conditions_table().malignant_keys
    total = math.fsum(entry.probability for entry in ranked if entry.key in malignant)
    return min(1.0, total)


def join_not_ruled_out(each: Sequence[Sequence[NotRuledOut]]) -> tuple[NotRuledOut, ...]:
    joined: dict[str, NotRuledOut] = {}
    for entry in (entry for sets in each for entry in sets):
        before = joined.get(entry.level)
        if before is None:
            joined[entry.level] = entry
            continue
        keys = (*before.keys, *(key for key in entry.keys if key not in before.keys))
        few = tuple(sorted({*before.too_few, *entry.too_few}))
        joined[entry.level] = NotRuledOut(level=entry.level, keys=keys, too_few=few)
    return tuple(joined.values())


class ReferralReason(StrEnum):
    """Why a finding is sent to a doctor. The reasons other than `cancer` say nothing about the
    picture: a finding does not record whether the checklist was the only reason.
    """

    CANCER = "cancer"
    CHECKLIST = "checklist"
    TOLD_SIGNS = "told_signs"
    UNTESTED_SKIN = "untested_skin"
    LITTLE_TESTED = "little_tested"


# The first one that applies is stated.
_WITHOUT_PICTURE = {
    RaisedBy.CHECKLIST: ReferralReason.CHECKLIST,
    RaisedBy.TOLD_SIGNS: ReferralReason.TOLD_SIGNS,
    RaisedBy.UNTESTED_SKIN: ReferralReason.UNTESTED_SKIN,
    RaisedBy.LITTLE_TESTED: ReferralReason.LITTLE_TESTED,
    RaisedBy.NOT_DERMOSCOPIC: ReferralReason.LITTLE_TESTED,
    RaisedBy.NOT_EXAMINED: ReferralReason.LITTLE_TESTED,
}

LEAST_SHARE = 0.01  # what is less is said as "<1%", and named only where it alarms
LEAST_IN_TENS = 20  # percent; of 14 %, "about 1 in 10" would hide a third
LEAST_SUSPECTED = 0.1  # the least probability for citing a guideline on its suspicion
# A cancer is named in addition to a milder one if it has this share of its probability.
GRAVER_SHARE = 1 / 2
_MOST = 0.5  # more than half is always the most probable
# Of a spot that is most likely one of these, a melanoma of so little is named, because it may look
# like them; unless the spot is sent for what says nothing of it.
PIGMENTED, LEAST_MELANOMA = frozenset({"melanocytic_nevus", "benign_keratosis"}), 0.03


@dataclass(frozen=True, slots=True)
class Headline:
    """`likely` is the most probable condition. `not_ruled_out` are plausible cancers that are more
    severe, the most severe first; empty if the finding needs no doctor. `named` is the most severe
    of both. `malignant` is the sum over all malignant conditions. `by_picture` is the one in
    `not_ruled_out` whose probability is from one picture alone. With `not_skin`, a patient reads
    only that. `referred` means to a doctor within two weeks or sooner.
    """

    likely: RankedCondition
    not_ruled_out: tuple[RankedCondition, ...]
    named: RankedCondition
    sent_for: ReferralReason | None
    malignant: float
    by_picture: str | None = None
    most_in_picture: bool = False
    told_signs: tuple[str, ...] = ()
    not_skin: bool = False
    referred: bool = False

    @classmethod
    def from_ranked(
        cls,
        *,
        ranked: Sequence[RankedCondition],
        shown: Sequence[RankedCondition],
        stated: str,
        band: Band,
        raised_by: Collection[RaisedBy],
        uncertain: bool,
        alone: RankedCondition | None = None,
        shown_alone: RankedCondition | None = None,
        told_signs: tuple[str, ...] = (),
        not_skin: bool = False,
    ) -> Self:
        """`ranked` decides what is plausible; `shown` holds the displayed probabilities. `alone` is
        what one picture names, and `shown_alone` its displayed form.

        A condition is plausible if it has a third of the highest probability, is stated, raised the
        band by its own threshold, or is shown by one picture alone. So is the most probable cancer
        if all cancers together have more than half, and a melanoma if the spot is pigmented. If the
        checklist required the band, `raised_by` does not reveal less urgent thresholds, so the
        cautious ones are used.
        """
        likely = most_likely(ranked, shown)
        entries = {entry.key: entry for entry in shown}
        own = {entry.key: entry.probability for entry in ranked}
        scores = threshold_scores({entry.key: entry.probability for entry in shown})
        plausible = {stated, *(rule.value for rule in raised_by)}
        if RaisedBy.CHECKLIST in raised_by:
            plausible |= {key for key in THRESHOLDS if own.get(key, -1) >= THRESHOLDS[key].cautious}
        by_picture = None
        if alone and alone.probability > own[alone.key]:
            plausible.add(alone.key)
            own[alone.key] = alone.probability
            by_picture = alone.key
            entries[alone.key] = shown_alone or alone
        if scores["malignant"] > _MOST:
            malignant = conditions_table().malignant_keys
            plausible.add(next(entry.key for entry in ranked if entry.key in malignant))
        why = _why_sent(raised_by, for_cancer=uncertain)
        looked_at = why not in (ReferralReason.LITTLE_TESTED, ReferralReason.UNTESTED_SKIN)
        if looked_at and likely.key in PIGMENTED and own.get("melanoma", 0.0) >= LEAST_MELANOMA:
            plausible.add("melanoma")
        least = PLAUSIBLE_SHARE * ranked[0].probability
        plausible |= {entry.key for entry in ranked if entry.probability >= least}
        named = is_sent(band) and not not_skin
        open_ = _open_beside(likely, own, plausible) if named else []
        gravest = open_[0] if open_ else likely.key
        return cls(
            likely=likely,
            not_ruled_out=tuple(entries[key] for key in open_),
            named=entries[gravest],
            sent_for=_why_sent(raised_by, for_cancer=uncertain or bool(open_))
            if is_sent(band)
            else None,
            malignant=min(1.0, scores["malignant"]),
            by_picture=by_picture if by_picture in open_ else None,
            most_in_picture=by_picture in open_ and entries[by_picture].probability >= _MOST,
            told_signs=told_signs,
            not_skin=not_skin,
            referred=urgency(band) <= urgency(Band.REFERRAL),
        )

    @classmethod
    def as_stated(cls, stated: RankedCondition) -> Self:
        return cls(stated, (), stated, None, 0.0)

    @property
    def one_name(self) -> RankedCondition:
        """For a client that shows one name: the likely condition, unless that alone would hide a
        more serious one, or it is normal skin.
        """
        hides = self.referred and not self._likely_malignant
        graver = hides or self.mostly_malignant or self.by_picture or self.likely.key == NORMAL_SKIN
        return self.named if graver or self.likely.key == self.named.key else self.likely

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.likely.key, *(entry.key for entry in self.not_ruled_out))

    @property
    def suspected(self) -> tuple[str, ...]:
        named = (self.likely, *self.not_ruled_out)
        return tuple(entry.key for entry in named if entry.probability >= LEAST_SUSPECTED)

    @property
    def for_cancer(self) -> bool:
        return self._likely_malignant or self.sent_for in (
            ReferralReason.CANCER,
            ReferralReason.CHECKLIST,
        )

    @property
    def mostly_malignant(self) -> bool:
        more = self.malignant > _MOST and not self._likely_malignant
        return self.sent_for is not None and more

    @property
    def says_malignant(self) -> bool:
        alike = self._likely_malignant or self.not_ruled_out
        return self.mostly_malignant or (self.sent_for is not None and not alike)

    @property
    def _likely_malignant(self) -> bool:
        return conditions_table().by_key(self.likely.key).malignant

    @property
    def for_patient(self) -> LocalizedText:
        words = conditions_table().notices.headline
        if self.not_skin:
            return words.not_skin
        if self.mostly_malignant:
            first = words.mostly
        elif self.likely.key == NORMAL_SKIN:
            first = words.nothing_recognised
        else:
            first = words.likely.fill(name=words.names[self.likely.key].of_patient)
        return join_sentences([first, self._open_for_patient()])

    @property
    def for_doctor(self) -> LocalizedText:
        mark = conditions_table().notices.headline.doctor_not_skin if self.not_skin else None
        return join_sentences([mark, self.unmarked])

    @property
    def unmarked(self) -> LocalizedText:
        words = conditions_table().notices.headline
        likely, open_ = _with_share(self.likely), self._open_for_doctor()
        if not self.mostly_malignant:
            return join_sentences([words.doctor_likely.fill(name=likely), open_])
        share = say_share(self.malignant, malignant=True)
        single = words.doctor_single.fill(name=likely)
        return join_sentences([words.doctor_mostly.fill(share=share), open_, single])

    def _open_for_patient(self) -> LocalizedText | None:
        words = conditions_table().notices.headline
        if self.sent_for is None:
            return None
        if self.by_picture and self.most_in_picture:
            return words.by_picture.fill(name=words.names[self.by_picture].patient)
        if self._likely_malignant or self.mostly_malignant:
            graver = [words.names[entry.key].patient for entry in self.not_ruled_out[:1]]
            return words.not_ruled_out.fill(name=graver[0]) if graver else None
        if self.sent_for is ReferralReason.CANCER:
            return words.not_ruled_out.fill(name=words.cancer)
        if self.sent_for is ReferralReason.TOLD_SIGNS:
            return conditions_table().checklist.say_told(self.told_signs)
        return words.sent_for[self.sent_for]

    def _open_for_doctor(self) -> LocalizedText | None:
        words = conditions_table().notices.headline
        if self.sent_for is None:
            return None
        if self.not_ruled_out:
            names = [
                _with_share(entry, in_one_picture=entry.key == self.by_picture)
                for entry in self.not_ruled_out
            ]
            joined = LocalizedText.joined(", ", names)
            return words.doctor_not_ruled_out.fill(names=joined)
        if not self.says_malignant:
            return None
        share = say_share(self.malignant, malignant=True)
        if self.sent_for is ReferralReason.CANCER:
            return words.doctor_not_ruled_out.fill(names=words.doctor_cancer.fill(share=share))
        signs = conditions_table().checklist.list_told(self.told_signs)
        return words.doctor_sent_for[self.sent_for].fill(share=share, signs=signs)


def say_chance(
    share: float, *, malignant: bool = False, in_hundreds: bool = False
) -> LocalizedText:
    """A probability for a patient: "about 4 in 10", from 20 % on in tens, unless `in_hundreds`.
    Nothing is said to be certain.
    """
    words = conditions_table().notices.headline.chance
    if share < LEAST_SHARE:
        return _fill_counts(words.less, 1, 100)
    percent = _whole_percent(share, malignant=malignant)
    if in_hundreds or percent < LEAST_IN_TENS:
        most = percent > 99 or share > 1 - LEAST_SHARE
        return _fill_counts(*((words.more, 99) if most else (words.about, percent)), 100)
    tens = _tens(percent)
    return _fill_counts(words.about, tens, 10) if tens < 10 else _fill_counts(words.more, 9, 10)


def needs_hundreds(
    shares: Iterable[tuple[float, bool]], *, apart: Iterable[tuple[float, bool]] = ()
) -> bool:
    """Return whether a text with these probabilities (each with whether it is a cancer's) needs
    hundreds, because one text has one denominator. Those in `apart` exclude each other: 65 and 35 %
    would make 11 of 10.
    """
    percents = [_whole_percent(share, malignant=malignant) for share, malignant in shares]
    tens = sum(_tens(_whole_percent(share, malignant=malignant)) for share, malignant in apart)
    return tens > 10 or any(percent < LEAST_IN_TENS for percent in percents)


def _tens(percent: int) -> int:
    return (percent + 5) // 10


def _fill_counts(said: LocalizedText, count: int, of: int) -> LocalizedText:
    return LocalizedText.by(lambda language: said.in_language(language).format(count=count, of=of))


def say_share(share: float, *, malignant: bool = False) -> LocalizedText:
    """A probability in percent, as on every page and in the console. That of a cancer is rounded
    up, so that it never appears below a threshold that it passed.
    """
    if share < LEAST_SHARE:
        sign, percent = "<", 1
    elif 1 - LEAST_SHARE < share < 1:
        sign, percent = ">", 99
    else:
        sign, percent = "", _whole_percent(share, malignant=malignant)
    return LocalizedText.by(
        lambda language: sign + NUMBERS[language].write_share(percent / 100, decimals=0)
    )


def say_share_of(key: str, share: float) -> LocalizedText:
    return say_share(share, malignant=key in conditions_table().malignant_keys)


def whole_percent(key: str, share: float) -> int:
    return _whole_percent(share, malignant=key in conditions_table().malignant_keys)


def _whole_percent(share: float, *, malignant: bool) -> int:
    percent = round(100 * share, 6)  # 0.07 is not 7.000000000000001 %
    return math.ceil(percent) if malignant else math.floor(percent + 0.5)


def _with_share(entry: RankedCondition, *, in_one_picture: bool = False) -> LocalizedText:
    words = conditions_table().notices.headline
    name, share = words.names[entry.key].doctor, say_share_of(entry.key, entry.probability)
    if in_one_picture:
        share = words.doctor_by_picture.fill(share=share)
    return LocalizedText.by(
        lambda language: f"{name.in_language(language)} ({share.in_language(language)})"
    )


def join_sentences(sentences: Iterable[LocalizedText | None]) -> LocalizedText:
    spoken = [sentence for sentence in sentences if sentence]

    def said(language: Language) -> str:
        texts = (sentence.in_language(language) for sentence in spoken)
        return " ".join(text[0].upper() + text[1:] for text in texts)

    return LocalizedText.by(said)


def most_likely(
    ranked: Sequence[RankedCondition], shown: Sequence[RankedCondition]
) -> RankedCondition:
    """The most probable condition as displayed. It is no cancer unless the model's own is, because
    the band does not follow the displayed probabilities.
    """
    malignant = conditions_table().malignant_keys
    if shown[0].key in malignant and ranked[0].key not in malignant:
        return next(entry for entry in shown if entry.key == ranked[0].key)
    return shown[0]


def _open_beside(
    likely: RankedCondition, own: Mapping[str, float], plausible: Collection[str]
) -> list[str]:
    """The cancers to name in addition to the likely condition, the most severe first: the plausible
    ones that are more severe, and any more severe than one of these with at least half of its
    probability and 1 %.
    """
    ranks = {key: severity_rank(key, own) for key in own}
    cancers = [key for key in own if key in conditions_table().malignant_keys]
    named = {key for key in cancers if key in plausible} | {likely.key}
    # The least severe first, because each named one may cause others to be named.
    for key in sorted(cancers, key=ranks.__getitem__, reverse=True):
        milder = (other for other in named & {*cancers} if ranks[key] < ranks[other])
        least = min((GRAVER_SHARE * own[other] for other in milder), default=math.inf)
        if own[key] >= max(LEAST_SHARE, least):
            named.add(key)
    graver = [key for key in cancers if key in named and ranks[key] < ranks[likely.key]]
    return sorted(graver, key=ranks.__getitem__)


def _why_sent(raised_by: Collection[RaisedBy], *, for_cancer: bool) -> ReferralReason:
    if for_cancer or not {*raised_by} <= _WITHOUT_PICTURE.keys():
        return ReferralReason.CANCER
    reasons = (sent for rule, sent in _WITHOUT_PICTURE.items() if rule in raised_by)
    return next(reasons, ReferralReason.CANCER)
