"""What crosses the wire about retention."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from skinapi.auth.accounts import Account
from skinapi.domain.field_types import Name
from skinapi.privacy.retention.kinds import Kind
from skinapi.privacy.retention.plan import Pause, Run
from skinapi.privacy.retention.service import Going, KindPlan, Overview
from skinapi.settings.privacy import LONGEST
from skinapi.web.schemas import Answer, Body


class WhyStopped(Body):
    reason: Name = Field(description="for the other admins, without a name: why nothing may go")


class WouldQuery(Body):
    """Its fields arrive as text."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)

    kind: Kind
    days: int = Field(ge=1, le=LONGEST)


class GoingView(Answer):
    at: datetime = Field(description="when the first of them goes, or the beginning of the month")
    items: int
    persons: int

    @classmethod
    def of(cls, going: Going) -> Self:
        return cls(**asdict(going))


class RetainedKindView(Answer):
    kind: Kind
    setting: str
    days: int | None = Field(description="null: kept until somebody deletes it")
    acts_from: datetime | None = Field(description="nothing of it goes before")
    first: GoingView | None = Field(
        description="what goes on the first day on which something goes; null where nothing will"
    )
    months: list[GoingView] = Field(
        description="what goes in this month and in the next ones: of accounts three, else twelve"
    )

    @classmethod
    def of(cls, plan: KindPlan) -> Self:
        return cls(
            kind=plan.kind,
            setting=f"RETAIN_{plan.kind.upper()}_DAYS",
            days=plan.days,
            acts_from=plan.acts_from,
            first=GoingView.of(plan.first) if plan.first else None,
            months=[GoingView.of(one) for one in plan.months],
        )


class PauseView(Answer):
    since: datetime
    by: str = Field(description="the admin's account id")
    reason: str

    @classmethod
    def of(cls, pause: Pause) -> Self:
        return cls(since=pause.created_at, by=pause.by, reason=pause.reason)


class HeldView(Answer):
    account: str
    email: str
    since: datetime
    by: str = Field(description="the admin's account id")
    reason: str

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(
            account=account.id,
            email=account.email,
            since=account.held_at or account.created_at,
            by=account.held_by or "",
            reason=account.held_because or "",
        )


class RunView(Answer):
    at: datetime
    kind: Kind
    items: int
    persons: int

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(at=run.created_at, kind=Kind(run.kind), items=run.items, persons=run.persons)


class FixedView(Answer):
    kind: str
    days: int
    setting: str | None = Field(description="null where it cannot be changed")


class RetentionView(Answer):
    kinds: list[RetainedKindView]
    fixed: list[FixedView] = Field(description="what goes after a time in any case")
    pause: PauseView | None
    held: list[HeldView] = Field(description="patients of whom nothing goes")
    runs: list[RunView] = Field(description="the last passes in which something went")

    @classmethod
    def of(cls, overview: Overview) -> Self:
        return cls(
            kinds=[RetainedKindView.of(one) for one in overview.kinds],
            fixed=[FixedView(**one._asdict()) for one in overview.fixed],
            pause=PauseView.of(overview.pause) if overview.pause else None,
            held=[HeldView.of(one) for one in overview.held],
            runs=[RunView.of(one) for one in overview.runs],
        )
