"""What crosses the wire about retention."""

from datetime import datetime

from pydantic import ConfigDict, Field

from skinapi.base.field_types import Name
from skinapi.base.settings.privacy import LONGEST
from skinapi.platform.web.schemas import Answer, Body
from skinapi.privacy.retention.kinds import Kind


class WhyStopped(Body):
    reason: Name = Field(description="for the other admins, without a name: why nothing may go")


class WouldQuery(Body):
    """Its fields arrive as text."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)

    kind: Kind
    days: int = Field(ge=1, le=LONGEST)


class Shown(Answer):
    model_config = ConfigDict(from_attributes=True)


class GoingView(Shown):
    at: datetime = Field(description="when the first of them goes, or the beginning of the month")
    items: int
    persons: int


class RetainedKindView(Shown):
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


class PauseView(Shown):
    since: datetime = Field(validation_alias="created_at")
    by: str = Field(description="the admin's account id")
    reason: str


class HeldView(Shown):
    account: str = Field(validation_alias="id")
    email: str
    since: datetime = Field(validation_alias="held_at")
    by: str = Field(validation_alias="held_by", description="the admin's account id")
    reason: str = Field(validation_alias="held_because")


class RunView(Shown):
    at: datetime = Field(validation_alias="created_at")
    kind: Kind
    items: int
    persons: int


class FixedView(Shown):
    kind: str
    days: int
    setting: str | None = Field(description="null where it cannot be changed")


class RetentionView(Shown):
    kinds: list[RetainedKindView]
    fixed: list[FixedView] = Field(description="what goes after a time in any case")
    pause: PauseView | None
    held: list[HeldView] = Field(description="patients of whom nothing goes")
    runs: list[RunView] = Field(description="the last passes in which something went")
