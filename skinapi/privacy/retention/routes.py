"""Routes of retention, for admins."""

from pydantic import ConfigDict, Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import Conflict, InvalidBody, NotFound
from skinapi.base.field_types import Name
from skinapi.base.settings.privacy import LONGEST, RetainedKind
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Body, Message
from skinapi.privacy.retention.service import (
    NotPatient,
    RetainedKindView,
    RetentionService,
    RetentionView,
)


class WhyStopped(Body):
    reason: Name = Field(description="for the other admins, without a name: why nothing may go")


class RetentionPreviewQuery(Body):
    """Its fields arrive as text."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)

    kind: RetainedKind
    days: int = Field(ge=1, le=LONGEST)


ADMINS = admins("Only admin can see and stop what goes by itself")
routes: Routes[RetentionService] = Routes(access=ADMINS)


@routes.route("GET", "/retention")
def show_retention(retention: RetentionService) -> RetentionView:
    """What goes by itself after its time, how much of it when, what stops it, and what went. The
    counts are exact as of now: what people do until then changes them.
    """
    return retention.get_overview()


@routes.route("GET", "/retention/preview")
def preview_retention(
    retention: RetentionService, *, query: RetentionPreviewQuery
) -> RetainedKindView:
    """What would go when, if a kind were kept for so many days. Nothing changes."""
    return retention.preview(query.kind, query.days)


@routes.route("PUT", "/retention/pause", raises=(InvalidBody,))
def pause_retention(retention: RetentionService, *, body: WhyStopped, subject: Subject) -> Message:
    """Let nothing go by itself until it is resumed, on all servers."""
    retention.pause(reason=body.reason, by=subject.id)
    return Message(message="Nothing goes by itself now")


@routes.route("DELETE", "/retention/pause")
def resume_retention(retention: RetentionService, *, subject: Subject) -> Message:
    """Let go again what is due."""
    retention.resume(by=subject.id)
    return Message(message="What is due goes by itself again")


@routes.route(
    "PUT", "/retention/holds/<account>", raises=(InvalidBody, NotFound, NotPatient, Conflict)
)
def hold_patient(
    retention: RetentionService, *, account: str, body: WhyStopped, subject: Subject
) -> Message:
    """Let nothing of a patient, named by id or e-mail, go by itself. What the patient deletes goes
    as before.
    """
    retention.hold(named=account, reason=body.reason, by=subject.id)
    return Message(message="Nothing of this patient goes by itself")


@routes.route("DELETE", "/retention/holds/<account>", raises=(NotFound,))
def release_patient(retention: RetentionService, *, account: str, subject: Subject) -> Message:
    """End a hold: what is due goes with the next pass."""
    retention.end_hold(named=account, by=subject.id)
    return Message(message="What is due of this patient goes by itself again")
