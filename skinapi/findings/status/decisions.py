"""What doctors have decided about a finding, in short, and by which day a doctor should have seen
the spot (docs/reviews.md). It is made of the reviews each time, and never stored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Literal, Self

from skinapi.base.languages import Language, LocalizedText, load_words
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.findings.status.reviews import Certainty, Review, Sample, names_cancer
from skinapi.model.bands import is_sent, most_urgent, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, BandWords, Condition, conditions_table
from skinapi.platform.storage.ids import now

# By then a result should be there, and after so long a photo that is asked for is asked for again.
RESULT_AFTER = timedelta(days=14)
PHOTO_AFTER = timedelta(days=3)

# Of each urgency that names a time: since when a spot has been at least so urgent.
Levels = Mapping[Band, datetime]
Step = tuple[datetime, Band]


def levels_of(band: Band, since: datetime) -> dict[Band, datetime]:
    return dict.fromkeys(_levels_within(band), since)


@cache
def _levels_within(band: Band) -> tuple[Band, ...]:
    return tuple(level for level in _days() if urgency(band) <= urgency(level))


@cache
def _days() -> Mapping[Band, int]:
    entries = conditions_table().bands
    return {
        entry.key: entry.see_within_days for entry in entries if entry.see_within_days is not None
    }


def levels_since(steps: Iterable[Step]) -> dict[Band, datetime]:
    """A level counts from the first of the steps without a break that asked for it or for more.
    `steps` begin with the newest.
    """
    found: dict[Band, datetime] = {}
    unbroken: Set[Band] | None = None
    for moment, band in steps:
        asked = levels_of(band, moment).keys()
        unbroken = asked if unbroken is None else unbroken & asked
        if not unbroken:
            break
        # The clock of who signed later may be behind.
        found |= {level: min(moment, found.get(level, moment)) for level in unbroken}
    return found


def due_day(levels: Levels) -> date | None:
    ends = ((since + timedelta(days=_days()[level])).date() for level, since in levels.items())
    last = min(ends, default=None)
    return last and before_weekend(last)


def before_weekend(day: date) -> date:
    """The day, or the Friday before: a practice is open then.

    >>> before_weekend(date(2026, 12, 6)).isoformat()
    '2026-12-04'
    """
    return day - timedelta(days=max(0, day.weekday() - 4))


class DayWords(Frozen):
    """`first` is the first day of a month; the names in a row are separated by a space."""

    months: str
    day: str
    by: str
    first: str
    weekday: str
    weekdays: str


DAYS: Mapping[Language, DayWords] = load_words("reports.days", DayWords)


def say_day(day: date, language: Language, *, weekday: bool = False) -> str:
    """26 November 2026, or 26 November 2026 (Thursday): a week before, "by Thursday" would read as
    today.
    """
    if isinstance(day, datetime):
        day = day.astimezone(UTC)
    words = DAYS[language]
    first = words.first if day.day == 1 else day.day
    text = words.day.format(day=first, month=words.months.split()[day.month - 1], year=day.year)
    if not weekday:
        return text
    return words.weekday.format(weekday=words.weekdays.split()[day.weekday()], day=text)


def say_due(due: date | None, language: Language) -> tuple[str, ...]:
    """Say the day, and not whether it has passed: a paper does not know when it is read."""
    return (DAYS[language].by.format(day=say_day(due, language, weekday=True)),) if due else ()


MOST_EARLIER = 10  # decisions that a decision has followed


# The name of its title in `notices.decision` of the conditions.
TitleKey = Literal["title", "opinion", "unconfirmed", "suspected", "suspected_unsure", "result"]


class WaitsFor(StrEnum):
    """What has to come before a patient is told to do anything else."""

    PHOTO = "photo"
    RESULT = "result"


def words_for_patient(
    band: Band,
    waits_for: WaitsFor | None,
    language: Language,
    *,
    since: datetime,
    label: str | None = None,
    proven: bool = False,
) -> BandWords:
    """A band's words, with what is waited for since then; of a cancer that the laboratory has found
    (`proven`) they suspect nothing.
    """
    table = conditions_table()
    words = table.band_words(band, language, (label,) if label else ())
    notices = table.notices.decision
    more: dict[str, str] = {}
    if waits_for:
        waiting = notices.waits_for[waits_for]
        more = {name: text.in_language(language) for name, text in waiting if text}
        last = since + RESULT_AFTER
        if waits_for is WaitsFor.RESULT and last.date() < now().date():
            more["next_step"] = notices.result_overdue.in_language(language)
        more["next_step"] = more["next_step"].format(date=say_day(last, language, weekday=True))
    elif proven and names_cancer(label):
        more = {"doctor_action": notices.proven_for_doctor.in_language(language)}
        if step := notices.proven.get(band):
            more["next_step"] = step.in_language(language)
    elif label == NORMAL_SKIN and band is Band.SELF_MONITORING:
        more = {"next_step": notices.normal_skin.in_language(language)}
    return words.model_copy(update=more)


class JudgedVersion(StoredRecord):
    """Which version of a finding asks for which urgency, and since when. Its photo may be judged
    more than once: with a corrected fact, or by another model. The newest version counts.
    """

    version: int = 1
    band: Band
    judged_at: datetime


def find_title_key(
    label: str | None, certainty: Certainty | None, sample: Sample | None
) -> TitleKey:
    """The words that say how certain it is. A cancer that no laboratory has proven is suspected,
    however sure the doctor is.
    """
    suspected = certainty is Certainty.SUSPECTED
    if certainty is Certainty.LABORATORY:
        return "result"
    if names_cancer(label):
        return "suspected_unsure" if suspected else "suspected"
    if suspected:
        return "opinion"
    return "unconfirmed" if sample is Sample.WAITING else "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the newest review says; its `urgency` counts in place of the finding's. `earlier` has
    those before, the oldest first. `levels`: since when the finding has been at least so urgent,
    without a break. `answered` is the version of the finding that its doctor saw, and `saw` are the
    other findings of the spot that its doctor saw; None: all. `photo_came`: the photo that
    `photo_wanted` asks for has come, or is needed no more.
    """

    review: str
    label: str | None
    urgency: Band
    certainty: Certainty | None
    sample: Sample | None
    photo_wanted: bool
    decided_at: datetime
    decided_by: str
    doctor: str | None = None
    levels: Levels = field(default_factory=dict)
    earlier: tuple["Decision", ...] = ()
    answered: int = 1
    saw: tuple[str, ...] | None = None
    photo_came: bool = False

    @classmethod
    def from_reviews(
        cls, reviews: Sequence[Review], versions: Sequence[JudgedVersion]
    ) -> Self | None:
        """`reviews` are in the order of signing. None without any."""
        if not reviews:
            return None
        *earlier, last = map(cls._from_review, reviews)
        levels = levels_since(_urgencies(reviews, versions))
        return replace(last, levels=levels, earlier=tuple(earlier[-MOST_EARLIER:]))

    @classmethod
    def _from_review(cls, review: Review) -> Self:
        return cls(
            review=review.id,
            **review.opinion.model_dump(),
            decided_at=review.created_at,
            decided_by=review.signature,
            doctor=review.doctor,
            answered=review.version,
            saw=review.saw,
        )

    @property
    def picture_asked_at(self) -> datetime | None:
        return self.decided_at if self.photo_wanted else None

    @property
    def sure(self) -> bool:
        if self.label is None:
            return not self.photo_wanted
        return self.certainty is not Certainty.SUSPECTED

    @property
    def proven(self) -> bool:
        return self.certainty is Certainty.LABORATORY

    @property
    def suspected(self) -> bool:
        """Whether it names a cancer that no laboratory has proven, however sure the doctor is."""
        return names_cancer(self.label) and not self.proven

    @property
    def awaited(self) -> bool:
        return self.sample is Sample.WAITING

    @property
    def waits_for(self) -> WaitsFor | None:
        """The result of a sample; else another photo where nobody could judge this one, unless a
        doctor should look anyway.
        """
        if self.awaited:
            return WaitsFor.RESULT
        return WaitsFor.PHOTO if self.only_asks and not is_sent(self.urgency) else None

    @property
    def due(self) -> date | None:
        return None if self.waits_for else due_day(self.levels)

    @property
    def settled(self) -> bool:
        return self.sure and not self.awaited

    @property
    def concluded(self) -> bool:
        return self.settled and not self.suspected

    def replaces(self, band: Band) -> bool:
        """What a doctor is unsure about replaces no words about a graver condition."""
        return self.label is not None and (self.sure or self.more_urgent_than(band))

    def has_seen(self, finding: str) -> bool:
        """Whether its doctor had this finding of the spot before them: it settles nothing else."""
        return self.saw is None or finding in self.saw

    def ends(self, older: "Decision") -> bool:
        """Whether it ends what was decided about an older finding of the spot that it has seen."""
        if self.decided_at <= older.decided_at:
            return False
        if older.awaited and not older.proven:
            return self.proven or self.sample is Sample.NONE
        if self.proven or older.proven or not self.settled:
            return self.proven
        same_doctor = self.doctor is not None and self.doctor == older.doctor
        return not older.sure or same_doctor or urgency(self.urgency) <= urgency(older.urgency)

    def more_urgent_than(self, band: Band) -> bool:
        return urgency(self.urgency) < urgency(band)

    @property
    def picture_wanted(self) -> bool:
        """Whether the photo that was asked for is still waited for."""
        return self.photo_wanted and not self.photo_came

    @property
    def only_asks(self) -> bool:
        """Whether all that it says is that another photo is wanted."""
        return self.unjudged and self.picture_wanted

    @property
    def unjudged(self) -> bool:
        """Whether nobody could judge the photo, also once another one has come."""
        return self.label is None and self.photo_wanted

    @property
    def final(self) -> bool:
        return self.waits_for is None and not self.only_asks

    @property
    def title_key(self) -> TitleKey:
        return find_title_key(self.label, self.certainty, self.sample)

    def title(self) -> LocalizedText:
        title: LocalizedText = getattr(conditions_table().notices.decision, self.title_key)
        return title

    def name(self, language: Language) -> str:
        table = conditions_table()
        if self.label is None:
            return table.notices.decision.unnamed.in_language(language)
        return table.name(self.label, language)

    def name_for_patient(self, language: Language) -> str:
        if self.label is None:
            return self.name(language)
        return conditions_table().name_for_patient(self.label, language)

    def heading(self, language: Language, *, for_doctor: bool = False) -> str:
        words = conditions_table().notices.decision
        if self.unjudged:
            asked = words.waits_for[WaitsFor.PHOTO].label
            return (asked if self.picture_wanted else words.picture_came).in_language(language)
        template = words.heading.in_language(language)
        name = self.name(language) if for_doctor else self.name_for_patient(language)
        return template.format(title=self.title().in_language(language), name=name)

    def heading_elsewhere(self, language: Language, *, for_doctor: bool = False) -> str:
        """The heading where something else counts, with the sample that is awaited all the same."""
        heading = self.heading(language, for_doctor=for_doctor)
        taken = conditions_table().notices.decision.awaited.in_language(language)
        return f"{heading}. {taken.removesuffix('.')}" if self.awaited else heading

    def band_words(self, language: Language) -> BandWords:
        return words_for_patient(
            self.urgency,
            self.waits_for,
            language,
            since=self.decided_at,
            label=self.label,
            proven=self.proven,
        )

    def remarks(self, language: Language) -> list[str]:
        words = conditions_table().notices.decision
        sentences = {
            say_new_picture(self.urgency): self.picture_wanted
            and self.waits_for is not WaitsFor.PHOTO,
            words.awaited: self.awaited,
        }
        return [sentence.in_language(language) for sentence, holds in sentences.items() if holds]

    def next_steps(self, language: Language) -> list[str]:
        words = self.band_words(language)
        return [*self.remarks(language), f"{words.label}. {words.next_step}"]

    def for_doctor(self, language: Language) -> list[str]:
        words = self.band_words(language)
        wanted = conditions_table().notices.decision.new_picture_doctor.in_language(language)
        if self.only_asks:
            first = [wanted.removesuffix(".")]
        else:
            heading = self.heading(language, for_doctor=True)
            first = [heading, *([wanted] if self.picture_wanted else [])]
        if self.waits_for is WaitsFor.PHOTO:
            return [*first, words.doctor_action]
        return [*first, f"{words.doctor_label}.", *([words.doctor_action] if self.awaited else [])]

    def graver_sentence(self, band: Band, language: Language) -> str | None:
        """Say first, to clients without decisions, a condition that is more urgent than `band`."""
        if self.label is None or not self.more_urgent_than(band):
            return None
        sentence = conditions_table().notices.graver_review.in_language(language)
        return sentence.format(name=self.name(language))

    def put_first(
        self, sections: Mapping[str, str], band: Band, language: Language
    ) -> dict[str, str]:
        """Older clients show no other words. Early detection is that of the decided condition,
        where what was said of the finding counts no more: it may call that harmless, or speak of a
        cancer that is none.
        """
        overview = conditions_table().notices.decision.overview.in_language(language)
        title, name = self.title().in_language(language), self.name(language)
        date = say_day(self.decided_at, language)
        changed = {
            "overview": overview.format(title=title, date=date, name=name),
            "recommendation": " ".join(self.next_steps(language)),
        }
        if self.replaces(band):
            changed["importance_of_early_detection"] = self.say_early(language)
        return {**sections, **changed}

    def say_early(self, language: Language) -> str:
        table = conditions_table()
        decided = table.label(self.label) if self.label else None
        if isinstance(decided, Condition):
            reason = decided.sentences[language].why_early
        else:
            reason = table.notices.decision.ask_a_doctor.in_language(language)
        return f"{self.name(language)}. {reason}"


def _urgencies(reviews: Sequence[Review], versions: Sequence[JudgedVersion]) -> Iterator[Step]:
    """Yield how urgent it was, the newest first. A version after a review may be more urgent; it
    lowers nothing. The laboratory's result judges anew: what was before it is no part of it.
    """
    left = [item for item in versions if item.version <= reviews[-1].version]
    for before, review in zip([*reviews[-2::-1], None], reversed(reviews), strict=True):
        while left and left[-1].version > review.version:
            version = left.pop()
            yield version.judged_at, most_urgent(version.band, review.opinion.urgency)
        yield review.created_at, review.opinion.urgency
        if review.opinion.proven and not (before and before.opinion.proven):
            return
    yield from ((item.judged_at, item.band) for item in reversed(left))


def say_new_picture(band: Band) -> LocalizedText:
    """Ask for another photo, beside what the band asks for."""
    words = conditions_table().notices.decision
    go = [words.without_picture] if is_sent(band) else []
    return LocalizedText.joined(" ", [words.new_picture, *go])
