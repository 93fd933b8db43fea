from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.base.days import say_day
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.records.unassigned_patients import ExpectedReviewer
from skinapi.model.bands import is_sent
from skinapi.platform.storage.ids import now
from skinapi.platform.web.schemas import Answer


class LooksWords(Frozen):
    """`nobody` is for a finding without a referral, `unseen_…` for a photo that was not kept."""

    doctor: str
    doctors: str
    unknown: str
    one_day: str
    days: str
    late: str
    clinic: str
    unseen_doctor: str
    unseen_doctors: str
    again: str
    again_by: str
    show: str
    show_by: str
    nobody: str
    nobody_by: str
    nobody_go: str


LOOKS: Mapping[Language, LooksWords] = load_words("reports.looks", LooksWords)


class ExpectedReviewerView(Answer):
    """Who will look at a finding that no doctor has answered about."""

    by: Literal["doctor", "doctors", "nobody"] = Field(
        description="the `doctor` in charge, one of the clinic's `doctors`, or `nobody` here"
    )
    name: str | None = Field(description="that of the doctor in charge")
    sentence: str
    due: date | None = Field(
        description="of `nobody`: by when the owner should see another doctor; null where no time "
        "was named"
    )

    @classmethod
    def from_reviewer(
        cls,
        looks: ExpectedReviewer | None,
        finding: StoredFinding,
        language: Language,
        *,
        may_keep: bool,
    ) -> Self | None:
        if looks is None:
            return None
        words, counts, due = LOOKS[language], finding.instruction, None
        name = looks.doctor.name if looks.doctor else None
        if looks.by != "nobody" and finding.photo_blob is None:
            unseen = words.unseen_doctor if name else words.unseen_doctors
            sentence = unseen.format(
                name=name, then=_say_unseen(counts.due, words, language, may_keep)
            )
        elif looks.by != "nobody":
            when = _say_when(looks, finding, words)
            sentence = (words.doctor if name else words.doctors).format(name=name, when=when)
        elif due := counts.due:
            sentence = words.nobody_by.format(day=say_day(due, language, weekday=True))
        else:
            sentence = words.nobody_go if is_sent(counts.band) else words.nobody
        return cls(by=looks.by, name=name, sentence=sentence, due=due)


def _say_when(looks: ExpectedReviewer, finding: StoredFinding, words: LooksWords) -> str:
    if looks.days is None:
        return words.unknown
    if now() > finding.newest.judged_at + timedelta(days=looks.days):
        name, phone = looks.clinic
        clinic = f"{name or words.clinic} ({phone})" if phone else name or words.clinic
        return words.late.format(clinic=clinic, number=finding.number)
    return words.one_day if looks.days == 1 else words.days.format(days=looks.days)


def _say_unseen(due: date | None, words: LooksWords, language: Language, may_keep: bool) -> str:
    if due is None:
        return words.again if may_keep else words.show
    by = words.again_by if may_keep else words.show_by
    return by.format(day=say_day(due, language, weekday=True))


class FiledWords(Frozen):
    doctor: str
    clinic: str


FILED: Mapping[Language, FiledWords] = load_words("reports.filed", FiledWords)


class FiledView(Answer):
    """Who filed a photo for its owner, who has not sent it."""

    by: Literal["doctor", "clinic"]
    sentence: str

    @classmethod
    def from_finding(
        cls, finding: StoredFinding, filer: Account | None, language: Language
    ) -> Self:
        by: Literal["doctor", "clinic"] = (
            "doctor" if filer and filer.role == "doctor" and not filer.machine else "clinic"
        )
        said = FILED[language].doctor if by == "doctor" else FILED[language].clinic
        return cls(by=by, sentence=said.format(day=say_day(finding.created_at, language)))
