from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from skinapi.base.days import say_day
from skinapi.base.languages import Language, LocalizedText
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot import (
    Certainty,
    Changed,
    Sample,
    Spot,
    Statement,
    changed_since,
    current_review,
    instruction,
    names_cancer,
    spot_day,
)
from skinapi.model.bands import is_sent, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, BandWords, Condition, conditions_table
from skinapi.platform.storage.ids import now

# A result is overdue after this time, and a photo is requested again.
RESULT_AFTER = timedelta(days=14)
PHOTO_AFTER = timedelta(days=3)


# Keys of the titles in `notices.decision` of conditions.yaml.
TitleKey = Literal["title", "opinion", "unconfirmed", "suspected", "result", "asked"]


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


def find_title_key(label: str | None, certainty: Certainty | None, *, awaited: bool) -> TitleKey:
    """A cancer without a laboratory result is only "suspected"."""
    if certainty is Certainty.LABORATORY:
        return "result"
    if names_cancer(label):
        return "suspected"
    if label and certainty is not Certainty.SURE:
        return "opinion"
    return "unconfirmed" if awaited else "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Statement):
    """`number` is the finding it was signed about or, if that is deleted, another one that it
    covers. `instructs`: it set the instruction of the spot.
    """

    review: str
    label: str | None
    urgency: Band
    certainty: Certainty | None
    sample: Sample | None
    decided_at: datetime
    decided_by: str
    doctor: str
    photo_wanted: bool = False
    asked_for_photo: bool = False
    covers: bool = True
    number: int | None = None
    instructs: bool = False
    due: date | None = None
    changed: Changed | None = None

    @classmethod
    def from_review(cls, review: Review, spot: Spot) -> Self:
        said, current = review.opinion, current_review(spot)
        is_current = current is not None and current.id == review.id
        counts = instruction(spot)
        instructs = counts is not None and counts.level.review == review.id
        covered = [item for item in spot.findings if review.id in item.covered_by]
        about = max(covered, key=lambda it: (not it.stub, it.id == review.submission), default=None)
        return cls(
            review=review.id,
            label=said.label,
            urgency=said.urgency,
            certainty=said.certainty,
            sample=said.sample if is_current else None,
            decided_at=review.created_at,
            decided_by=review.signature,
            doctor=review.doctor,
            photo_wanted=is_current and spot.photo_wanted_at is not None,
            asked_for_photo=said.photo_wanted,
            number=about.number if about else None,
            instructs=instructs,
            due=spot_day(spot) if instructs else None,
            changed=changed_since(spot, current.spot_version) if current and is_current else None,
        )

    @property
    def sure(self) -> bool:
        return self.certainty in (Certainty.SURE, Certainty.LABORATORY)

    @property
    def suspected(self) -> bool:
        """A cancer without a laboratory result counts as suspected, even if the doctor is sure."""
        return self.names_cancer and not self.proven

    @property
    def waits_for(self) -> WaitsFor | None:
        """What the patient waits for, shown instead of the urgency unless a visit has a date."""
        if self.awaited:
            return None if self.due else WaitsFor.RESULT
        unjudged = self.photo_wanted and self.label is None
        return WaitsFor.PHOTO if unjudged and not is_sent(self.urgency) else None

    @property
    def concluded(self) -> bool:
        return self.sure and not self.awaited and not self.suspected

    @property
    def final(self) -> bool:
        return not (self.awaited or self.photo_wanted)

    def replaces(self, band: Band) -> bool:
        """An unsure review does not replace the words for a more serious condition."""
        return self.label is not None and (self.sure or self.more_urgent_than(band))

    def more_urgent_than(self, band: Band) -> bool:
        return urgency(self.urgency) < urgency(band)

    @property
    def only_asked(self) -> bool:
        return self.label is None and self.asked_for_photo

    @property
    def unjudged(self) -> bool:
        return self.only_asked and self.covers

    @property
    def title_key(self) -> TitleKey:
        if self.only_asked:
            return "asked"
        return find_title_key(self.label, self.certainty, awaited=self.awaited)

    def title(self, language: Language) -> str:
        title: LocalizedText = getattr(conditions_table().notices.decision, self.title_key)
        return title.in_language(language).format(doctor=self.decided_by)

    def name(self, language: Language) -> str:
        table = conditions_table()
        if self.label is None:
            return table.notices.decision.unnamed.in_language(language)
        return table.name(self.label, language)

    def name_for_patient(self, language: Language) -> str:
        if self.label is None:
            return self.name(language)
        return conditions_table().name_for_patient(self.label, language)

    def heading(
        self,
        language: Language,
        *,
        for_doctor: bool = False,
        dated: bool = False,
        about: int | None = None,
    ) -> str:
        """A review that does not cover the finding is always shown with the number of its own."""
        about = about if self.covers or self.only_asked else self.number
        words, title = conditions_table().notices.decision, self.title(language)
        if dated and not self.only_asked:
            first, comma, more = title.partition(",")
            day = say_day(self.decided_at, language)
            title = (
                f"{words.dated.in_language(language).format(title=first, date=day)}{comma}{more}"
            )
        if about is not None:
            title = words.of_finding.in_language(language).format(title=title, number=about)
        if self.only_asked:
            return title
        name = self.name(language) if for_doctor else self.name_for_patient(language)
        return words.heading.in_language(language).format(title=title, name=name)

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
            say_new_picture(self.urgency): self.photo_wanted
            and self.waits_for is not WaitsFor.PHOTO,
            words.awaited: self.awaited,
        }
        return [sentence.in_language(language) for sentence, holds in sentences.items() if holds]

    def signed_before(self, language: Language) -> tuple[str, ...]:
        """Say why the review may no longer apply, in sentences without full stops."""
        words, said = conditions_table().notices.decision, list[str]()
        if self.changed:
            said.append(_say_since(words.signed_before, self.decided_at, self.changed, language))
        if not self.covers:
            said.append(words.not_covered.in_language(language).format(doctor=self.decided_by))
            if self.instructs:
                still = words.still_counts.in_language(language)
                said.append(still.format(number=self.number))
        return (*said,)

    def for_doctor(self, language: Language) -> list[str]:
        words, wanted = self.band_words(language), conditions_table().notices.decision
        said = [self.heading(language, for_doctor=True)]
        if self.photo_wanted:
            said.append(wanted.new_picture_doctor.in_language(language))
        if self.waits_for is WaitsFor.PHOTO:
            return [*said, words.doctor_action]
        return [*said, f"{words.doctor_label}.", *([words.doctor_action] if self.awaited else [])]

    def say_in_list(self, language: Language) -> str:
        words, said = conditions_table().notices.decision, [self.heading(language, for_doctor=True)]
        said += [words.new_picture_doctor.in_language(language)] if self.photo_wanted else []
        said += [words.awaited.in_language(language)] if self.awaited else []
        return ". ".join(item.removesuffix(".") for item in (*said, *self.signed_before(language)))

    def say_early(self, language: Language) -> str:
        table = conditions_table()
        decided = table.label(self.label) if self.label else None
        if isinstance(decided, Condition):
            reason = decided.sentences[language].why_early
        else:
            reason = table.notices.decision.ask_a_doctor.in_language(language)
        return f"{self.name(language)}. {reason}"


def say_written_before(
    written_at: datetime, changed: Changed, to_do: str, language: Language
) -> str:
    words = conditions_table().notices.decision
    return _say_since(words.written_before, written_at, changed, language, to_do=to_do)


def _say_since(
    words: LocalizedText, at: datetime, changed: Changed, language: Language, **more: str
) -> str:
    what = conditions_table().notices.decision.changes[changed.act].in_language(language)
    dates = {"at": say_day(at, language), "date": say_day(changed.changed_at, language)}
    return words.in_language(language).format(what=what, **dates, **more)


def say_new_picture(band: Band) -> LocalizedText:
    words = conditions_table().notices.decision
    go = [words.without_picture] if is_sent(band) else []
    return LocalizedText.joined(" ", [words.new_picture, *go])
