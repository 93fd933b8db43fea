"""What is asked about a breach, and what is answered."""

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from skinapi.admin.schemas import Moment
from skinapi.domain.field_types import Identifier
from skinapi.languages import Language
from skinapi.privacy.breach.acts import ACTS, Act
from skinapi.privacy.breach.service import Breach, Question, Touched
from skinapi.privacy.breach.words import WORDS
from skinapi.privacy.inventory import Kind
from skinapi.privacy.register.words import WORDS as REGISTER
from skinapi.reports.words import say_moment
from skinapi.web.schemas import Answer

MOST_SHOWN = 1000
REPORTED_WITHIN = timedelta(hours=72)
# What of a person each act may have shown. The account itself shows all that is its own.
SHOWN: dict[Act, tuple[Kind, ...]] = {
    "read_photo": ("picture",),
    "read_record": ("identity", "contact", "health", "free_text"),
    "wrote": ("health", "free_text"),
    "exported": ("health", "picture"),
    "account": ("identity", "contact"),
    "own": ("identity", "contact", "health", "picture", "free_text"),
}


class BreachQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    key: Identifier | None = Field(default=None, description="the id of a key of a program")
    account: Identifier | None = Field(default=None, description="the id of an account")
    since: Moment | None = Field(default=None, description="then or later")
    until: Moment | None = Field(default=None, description="before then")
    lang: Language | None = Field(default=None, description="the caller's unless given")
    format: Literal["json", "csv"] = "json"

    @model_validator(mode="after")
    def _ask_one_thing(self) -> Self:
        if self.key and self.account:
            raise ValueError("ask about a key or about an account, not both at once")
        if not (self.key or self.account or (self.since and self.until)):
            raise ValueError("name a key, an account, or a time span with since and until")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def question(self) -> Question:
        return Question(key=self.key, account=self.account, since=self.since, until=self.until)


class TouchedView(Answer):
    id: str = Field(serialization_alias="_id", description="of the account")
    email: str | None = Field(
        description="null where the account was erased since; its record may be kept, with the name"
    )
    name: str | None
    role: str | None
    times: int = Field(description="rows of the audit trail")
    acts: dict[Act, int] = Field(description="how many rows of each kind")
    first: datetime | None = Field(description="null where no row names the account")
    last: datetime | None

    @classmethod
    def of(cls, one: Touched) -> Self:
        account = one.account
        return cls(
            id=one.id,
            email=account.email if account and not account.is_record else None,
            name=account.name if account else None,
            role=account.role if account else None,
            times=one.times,
            acts=one.acts,
            first=one.first,
            last=one.last,
        )


class BreachView(Answer):
    """Whom it touched, what the trail cannot tell, and the note that Article 33 asks for."""

    asked_at: datetime
    persons: list[TouchedView] = Field(description="most rows first; the file has all of them")
    persons_total: int
    rows: int = Field(description="rows of the audit trail that were read")
    first: datetime | None
    last: datetime | None
    acts: dict[Act, int]
    gaps: list[str] = Field(description="what the audit trail cannot tell")
    note: str

    @classmethod
    def of(cls, breach: Breach, language: Language, *, clinic: str, contact: str) -> Self:
        gaps = list_gaps(breach, language)
        return cls(
            asked_at=breach.asked_at,
            persons=[TouchedView.of(one) for one in breach.persons[:MOST_SHOWN]],
            persons_total=len(breach.persons),
            rows=breach.rows,
            first=breach.first,
            last=breach.last,
            acts=breach.acts,
            gaps=gaps,
            note=write_note(breach, language, gaps, clinic=clinic, contact=contact),
        )


def list_gaps(breach: Breach, language: Language) -> list[str]:
    said, since = WORDS[language].gaps, breach.reads_noted_since
    names = ["own", "daily", "before" if since else "never", "accounts", "log_ins", "copies"]
    names += ["sent", "secret"]
    if any(one.account is None for one in breach.persons):
        names.append("erased")
    moment = say_moment(since, language) if since else ""
    return [said[name].format(moment=moment) for name in names]


def write_note(
    breach: Breach, language: Language, gaps: list[str], *, clinic: str, contact: str
) -> str:
    words, question = WORDS[language], breach.question

    def say(moment: datetime | None) -> str:
        return say_moment(moment, language) if moment else "–"

    asked = words.questions[question.kind].format(
        asked=question.key or question.account,
        since=say(question.since),
        until=say(question.until),
    )
    acts = [one for one in ACTS if one in breach.acts] or ["own"]
    kinds = dict.fromkeys(kind for act in acts for kind in SHOWN[act])
    return words.note.format(
        moment=say(breach.asked_at),
        deadline=say(breach.asked_at + REPORTED_WITHIN),
        controller=clinic,
        contact=contact,
        question=asked,
        first=say(breach.first or question.since),
        last=say(breach.last or question.until),
        persons=len(breach.persons),
        rows=sum(one.times for one in breach.persons),
        kinds=", ".join(REGISTER[language].kinds[one] for one in kinds),
        gaps="\n".join(f"- {gap}" for gap in gaps),
    )
