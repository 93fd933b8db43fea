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
from skinapi.findings.status.deciding_review import ReviewsInForce, find_sampled
from skinapi.findings.status.reviews import Certainty, Histology, Review, names_cancer
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
    label: str | None, certainty: Certainty, histology: Histology | None, *, wants_picture: bool
) -> TitleKey:
    """The words that say how certain it is. A cancer that no laboratory has proven is suspected,
    however sure the doctor is.
    """
    sure = certainty is Certainty.SURE
    if histology is Histology.CONFIRMED:
        return "result"
    if names_cancer(label):
        return "suspected" if sure else "suspected_unsure"
    if not sure and (label or not wants_picture):
        return "opinion"
    return "unconfirmed" if histology is Histology.AWAITED else "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the review that counts says; `urgency` counts in place of the finding's.
    `new_picture_wanted` is what the newest review says, whichever counts, and `answered_at` when
    that was signed, where it is another one; `earlier` has the oldest first. `levels`: since when
    the finding has been at least so urgent, without a break. `answered` is the newest version of
    the finding that a doctor saw, and `saw` are the other findings of the spot that the review that
    counts saw; None: all. `judges`: it says more than that another photo is wanted.
    `photo_came`: the photo that `new_picture_wanted` asks for has come, or is needed no more.
    """

    review: str
    label: str | None
    urgency: Band
    certainty: Certainty
    histology: Histology | None
    new_picture_wanted: bool
    decided_at: datetime
    decided_by: str
    doctor: str | None = None
    levels: Levels = field(default_factory=dict)
    earlier: tuple["Decision", ...] = ()
    answered: int = 1
    answered_at: datetime | None = None
    saw: tuple[str, ...] | None = None
    judges: bool = True
    photo_came: bool = False

    @classmethod
    def from_reviews(
        cls, reviews: Sequence[Review], versions: Sequence[JudgedVersion]
    ) -> Self | None:
        """`reviews` are in the order of signing; each answers the version that its doctor saw. None
        without any that counts.
        """
        if not reviews:
            return None
        bands = {item.version: item.band for item in versions}
        steps, decided_before = list[Self](), dict[str, tuple[Review | None, Band | None]]()
        in_force, decides = ReviewsInForce(), None
        for review in reviews:
            decided_before[review.id] = decides, steps[-1].urgency if steps else None
            in_force.add(review)
            decides = in_force.deciding() or review
            before, least = decided_before[decides.id]
            asked = urgency_of(decides, before, bands[decides.version])
            if least and decides.opinion.lowers_nothing:
                asked = most_urgent(asked, least)
            steps.append(cls._after(review, decides, asked))
        last = steps[-1]
        if last.awaited and find_sampled(reviews) is None:  # its doctor says that none was taken
            last = replace(last, histology=Histology.NOT_TAKEN)
        levels = levels_since(_urgencies(reviews, steps, versions))
        # What counted before the last of these, each once.
        earlier = {step.review: step for step in steps if step.review != last.review}
        return replace(
            last,
            levels=levels,
            earlier=tuple(earlier.values())[-MOST_EARLIER:],
            answered=_find_answered(reviews, steps),
        )

    def leaves_unread(
        self, signed: Review, band: Band, *, reopened: bool, ends_sample: bool = False
    ) -> bool:
        """Whether the patient would read nothing of what this review of a finding of this band
        says and the decision does not: what differs from a laboratory's result, or is graver than
        the opinion that counts, or alone names a cancer, a graver one or a sample. Nor of any that
        leaves the finding `reopened`. `ends_sample`: it says that none was taken of a sample that
        its doctor has named.
        """
        said = signed.opinion
        if self.review == signed.id:
            return False
        if self.proven:
            same = said.urgency in (None, self.urgency)
            taken = said.histology is not Histology.NOT_TAKEN or ends_sample
            return not (said.awaited or (taken and same and said.condition in (None, self.label)))
        graver = urgency(said.urgency_asked(band)) < urgency(self.urgency)
        new_sample = said.awaited and said.condition is None and not self.awaited
        unread = graver or reopened or _is_graver_cancer(said.condition, self.label)
        return new_sample or (said.judges and unread)

    @classmethod
    def _after(cls, newest: Review, decides: Review, urgency: Band) -> Self:
        return cls(
            review=decides.id,
            label=decides.opinion.condition,
            urgency=urgency,
            certainty=decides.opinion.certainty,
            histology=decides.opinion.histology,
            new_picture_wanted=newest.opinion.new_picture_wanted,
            decided_at=decides.created_at,
            decided_by=decides.signature,
            doctor=decides.doctor,
            answered_at=newest.created_at if newest is not decides else None,
            saw=decides.saw,
            judges=decides.opinion.judges,
        )

    @property
    def picture_asked_at(self) -> datetime | None:
        return (self.answered_at or self.decided_at) if self.new_picture_wanted else None

    @property
    def sure(self) -> bool:
        return self.certainty is Certainty.SURE

    @property
    def proven(self) -> bool:
        return self.histology is Histology.CONFIRMED

    @property
    def suspected(self) -> bool:
        """Whether it names a cancer that no laboratory has proven, however sure the doctor is."""
        return names_cancer(self.label) and not self.proven

    @property
    def awaited(self) -> bool:
        return self.histology is Histology.AWAITED

    @property
    def waits_for(self) -> WaitsFor | None:
        """Another photo where nobody could judge this one, unless a doctor should look anyway; else
        the result of a sample. What a doctor is sure of stands beside it, and once the photo has
        come, whatever was judged.
        """
        if self.awaited:
            return WaitsFor.RESULT
        stands = self.judges and (self.sure or self.photo_came)
        unjudged = self.new_picture_wanted and not (stands or self.proven)
        return WaitsFor.PHOTO if unjudged and not is_sent(self.urgency) else None

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
        if self.proven or older.proven or older.awaited or not self.settled:
            return self.proven
        same_doctor = self.doctor is not None and self.doctor == older.doctor
        return not older.sure or same_doctor or urgency(self.urgency) <= urgency(older.urgency)

    def more_urgent_than(self, band: Band) -> bool:
        return urgency(self.urgency) < urgency(band)

    @property
    def picture_wanted(self) -> bool:
        """Whether the photo that was asked for is still waited for."""
        return self.new_picture_wanted and not self.photo_came

    @property
    def only_asks(self) -> bool:
        """Whether all that it says is that another photo is wanted."""
        return self.unjudged and self.picture_wanted

    @property
    def unjudged(self) -> bool:
        """Whether nobody could judge the photo, also once another one has come."""
        unnamed = self.label is None and self.new_picture_wanted
        return unnamed or (self.waits_for is WaitsFor.PHOTO and not self.sure)

    @property
    def final(self) -> bool:
        return self.waits_for is None and not self.only_asks

    @property
    def title_key(self) -> TitleKey:
        return find_title_key(
            self.label, self.certainty, self.histology, wants_picture=self.new_picture_wanted
        )

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

    @property
    def over(self) -> bool:
        """Whether it only waited for the photo that has come: it asks for nothing any more."""
        return self.photo_came and self.waits_for is WaitsFor.PHOTO

    def band_words(self, language: Language) -> BandWords:
        words = words_for_patient(
            self.urgency,
            self.waits_for,
            language,
            since=self.decided_at,
            label=self.label,
            proven=self.proven,
        )
        over = {"label": self.heading(language), "next_step": ""} if self.over else {}
        return words.model_copy(update=over)

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


def _is_graver_cancer(label: str | None, than: str | None) -> bool:
    if label is None or not names_cancer(label):
        return False
    own = conditions_table().label
    return (
        than is None
        or not names_cancer(than)
        or urgency(own(label).urgency) < urgency(own(than).urgency)
    )


def _find_answered(reviews: Sequence[Review], steps: Sequence[Decision]) -> int:
    """Find the newest version that a doctor has answered: what no doctor could judge, or an unsure
    one judged and it does not count, stays as urgent as it has become since.
    """

    def answers(review: Review, step: Decision) -> bool:
        opinion, counts = review.opinion, step.review == review.id
        return opinion.urgency_waits or (opinion.judges and (counts or opinion.weighs_as_sure))

    answering = [item for item, step in zip(reviews, steps, strict=True) if answers(item, step)]
    return (answering or reviews)[-1].version


def _urgencies(
    reviews: Sequence[Review], steps: Sequence[Decision], versions: Sequence[JudgedVersion]
) -> Iterator[Step]:
    """Yield how urgent it was, the newest first. A version after a decision may be more urgent; it
    lowers nothing. The laboratory's result judges anew: what was before it is no part of it.
    """
    proven, seen = steps[-1].proven, reviews[-1].version
    left = [item for item in versions if item.version <= seen]
    for review, step in zip(reversed(reviews), reversed(steps), strict=True):
        if step.proven != proven:
            return
        while left and left[-1].version > review.version:
            version = left.pop()
            yield version.judged_at, most_urgent(version.band, step.urgency)
        yield review.created_at, step.urgency
    if not proven:
        yield from ((item.judged_at, item.band) for item in reversed(left))


def say_new_picture(band: Band) -> LocalizedText:
    """Ask for another photo, beside what the band asks for."""
    words = conditions_table().notices.decision
    go = [words.without_picture] if is_sent(band) else []
    return LocalizedText.joined(" ", [words.new_picture, *go])


def urgency_of(decides: Review, before: Review | None, band: Band) -> Band:
    """`before` is what decided when it was signed. The result that proves a cancer asks for no less
    than a suspicion of it; a later review may say that it was treated.
    """
    opinion, asked = decides.opinion, decides.opinion.urgency_asked(band)
    if not opinion.proves_cancer or (before and before.opinion.proves_cancer):
        return asked
    return most_urgent(asked, conditions_table().label(opinion.condition or "").urgency)
