"""The route of a patient's inbox."""

from datetime import date
from typing import Self

from pydantic import Field

from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.base.subject import Subject
from skinapi.care.messages.inbox import MOST_LISTED, InboxEntry, InboxService, Task
from skinapi.care.spots.schemas import LanguageQuery, PlaceView
from skinapi.findings.records.decisions import WaitsFor
from skinapi.findings.records.finding_schemas import AdviceView
from skinapi.platform.web.declaration import Routes, Signed
from skinapi.platform.web.schemas import Answer

routes: Routes[InboxService] = Routes("inbox")


class TaskView(Answer):
    """Something to do: `see_doctor`, read a `message`, send the `picture` that a doctor asks for,
    ask for a `result` that should be there, or `photograph` a spot again.
    """

    task: Task
    lesion: str | None = Field(description="the spot; null of a finding that belongs to none")
    name: str | None = Field(description="of the spot")
    place: PlaceView | None = Field(description="of the spot")
    advice: AdviceView | None = Field(description="what asks for it; null of messages")
    sentence: str | None = optional("how, of what has a last day; else absent")
    unread: int = Field(description="messages; 0 of what is none")
    due: date | None = Field(
        description="when to photograph the spot again, or until when a result should be there; "
        "else null"
    )

    @classmethod
    def of(cls, entry: InboxEntry, language: Language) -> Self:
        spot, advice = entry.lesion, entry.advice
        return cls(
            task=entry.task,
            lesion=spot.id if spot else None,
            name=spot.name if spot else None,
            place=PlaceView.of(spot.place) if spot else None,
            advice=AdviceView.of(advice, language, for_doctor=False) if advice else None,
            sentence=advice.words(language).next_step
            if advice and (advice.due or advice.waits_for is WaitsFor.RESULT)
            else None,
            unread=entry.unread,
            due=entry.due,
        )


class InboxView(Answer):
    tasks: list[TaskView] = Field(description=f"the most urgent first, {MOST_LISTED} at most")
    more: int = Field(description="how many others wait")


@routes.route("GET", "/inbox", access=Signed())
def show_inbox(inbox: InboxService, *, query: LanguageQuery, subject: Subject) -> InboxView:
    """What waits for the caller to do about the caller's own spots and findings."""
    tasks = inbox.list_tasks(owner=subject.id)
    language = query.lang or subject.account.language
    listed = [TaskView.of(task, language) for task in tasks[:MOST_LISTED]]
    return InboxView(tasks=listed, more=len(tasks) - len(listed))
