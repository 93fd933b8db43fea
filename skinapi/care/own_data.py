from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.languages import Language, load_words
from skinapi.base.pages import batched
from skinapi.base.stored_record import Frozen, optional
from skinapi.base.values import Value
from skinapi.care.lesion_routes import LanguageQuery, PlaceView
from skinapi.care.lesions import LesionsService
from skinapi.care.letters import LettersService
from skinapi.care.message_records import Messages
from skinapi.care.messages import MessagesService
from skinapi.care.reminders import ReminderKind, reminder_of
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesion, Lesions
from skinapi.findings.records.schemas.finding_parts import InstructionView
from skinapi.findings.records.schemas.practice import Practice, PracticeView
from skinapi.findings.records.unassigned_patients import UnassignedPatients
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.spot_view import Instruction, SpotView
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer

MOST_LISTED = 20


class Task(StrEnum):
    SEE_DOCTOR = "see_doctor"
    MESSAGE = "message"
    PICTURE = "picture"
    PHOTOGRAPH = "photograph"
    RESULT = "result"


# Tasks with an urgency have the place of their urgency, others are in between.
ORDER: tuple[Task | Band, ...] = (
    Band.URGENT_REFERRAL,
    Task.MESSAGE,
    Band.REFERRAL,
    Task.PICTURE,
    Band.DOCTOR_REVIEW,
    Task.RESULT,
    Task.PHOTOGRAPH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """`lesion` is None for messages about no spot. `advice` asks to see a doctor or was stated
    last. `finding` is the number of the one whose photo should be taken again.
    """

    task: Task
    lesion: Lesion | None
    advice: Instruction | None = None
    finding: int | None = None
    unread: int = 0
    due: date | None = None
    photo_kept: bool = False

    @property
    def rank(self) -> tuple[int, float]:
        """The most urgent first, then the newest. Photos are sorted by their due date."""
        place = self.advice.band if self.advice and self.task is Task.SEE_DOCTOR else self.task
        if self.due:
            return ORDER.index(place), self.due.toordinal()
        return ORDER.index(place), -self.advice.since.timestamp() if self.advice else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    finding: int
    lesion: Lesion
    decision: Decision
    advice: Instruction
    signed_at: datetime

    @property
    def rank(self) -> tuple[int, float]:
        """The most serious first, then the newest."""
        return urgency(self.advice.band), -self.signed_at.timestamp()


@dataclass(frozen=True, slots=True)
class InboxContent:
    decisions: list[NewDecision]
    tasks: list[InboxEntry]
    practice: Practice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxService:
    lesions: Lesions
    records: FindingRecords
    messages: Messages
    unassigned: UnassignedPatients

    def read(self, *, owner: Account) -> InboxContent:
        spots = self.lesions.list_recent(owner.id)
        found = self.records.spots.read(spot.id for spot in spots)
        statuses = [(spot, found.get(spot.id)) for spot in spots]
        decisions = [
            item
            for spot, status in statuses
            if status
            for item in _list_new_decisions(spot, status)
        ]
        tasks = self._list_tasks(owner.id, statuses)
        decided = any(item.advice and item.advice.decision for item in tasks) or bool(decisions)
        looks = self.unassigned.find_who_looks(owner)
        practice = Practice.from_reviewer(looks, decided=decided)
        return InboxContent(sorted(decisions, key=lambda item: item.rank), tasks, practice)

    def _list_tasks(
        self, owner: str, statuses: Iterable[tuple[Lesion, SpotView | None]]
    ) -> list[InboxEntry]:
        """Of the photos that are not due yet, only the next one is listed."""
        unread = self.messages.count_waiting_by_lesion(owner)
        tasks = [task for spot, status in statuses if status for task in _tasks_of(spot, status)]
        tasks += [
            InboxEntry(task=Task.MESSAGE, lesion=spot, unread=unread[spot.id])
            for spot in self.lesions.by_ids([*unread]).values()
        ]
        if count := self.messages.count_waiting_without_lesion(owner).get(owner):
            tasks.append(InboxEntry(task=Task.MESSAGE, lesion=None, unread=count))
        tasks.sort(key=lambda item: item.rank)
        ahead = [item for item in tasks if item.due and item.due > now().date()]
        return [item for item in tasks if item not in ahead[1:]]


def _list_new_decisions(lesion: Lesion, status: SpotView) -> Iterator[NewDecision]:
    """A doctor who could not judge the photo has decided nothing; the new photo is a task."""
    decision, counts, newest = status.decision, status.instruction, status.newest
    if decision is None or counts is None or newest is None or decision.unjudged:
        return
    opened = status.spot.opened_at
    if opened is None or opened < decision.decided_at:
        yield NewDecision(
            finding=newest.number,
            lesion=lesion,
            decision=decision,
            advice=counts,
            signed_at=decision.decided_at,
        )


def _tasks_of(lesion: Lesion, status: SpotView) -> Iterator[InboxEntry]:
    counts, newest = status.instruction, status.newest
    if counts is None:
        return
    asked = counts.band in ORDER
    if asked:
        kept = any(photo.kept for photo in status.photos.values() if photo.number == counts.finding)
        task = Task.RESULT if counts.waits_for is WaitsFor.RESULT else Task.SEE_DOCTOR
        yield InboxEntry(task=task, lesion=lesion, advice=counts, photo_kept=kept)
    if status.spot.photo_wanted_at and newest:
        yield InboxEntry(task=Task.PICTURE, lesion=lesion, advice=counts, finding=newest.number)
    elif not asked and (reminder := reminder_of(status)):
        task = Task.RESULT if reminder.act is ReminderKind.ASK_RESULT else Task.PHOTOGRAPH
        yield InboxEntry(task=task, lesion=lesion, advice=counts, due=reminder.due)


routes: Routes[InboxService] = Routes()


class TaskView(Answer):
    """Something to do: `see_doctor`, read a `message`, send the `picture` that a doctor asks for,
    wait for a `result`, or ask for one that should be there, or `photograph` a spot again.
    """

    task: Task
    lesion: str | None = Field(description="the spot; null of messages about none")
    name: str | None = Field(description="of the spot")
    place: PlaceView | None = Field(description="of the spot")
    advice: InstructionView | None = Field(
        description="what asks for it, of a `picture` what counts of the spot; null of messages"
    )
    finding: int | None = optional(
        "of a `picture`: number of the finding in place of which it is wanted; else absent"
    )
    sentence: str | None = optional("how, of a visit or a result with a last day; else absent")
    unread: int = Field(description="messages; 0 of what is none")
    due: date | None = Field(
        description="when to photograph the spot again, or until when a result should be there; "
        "else null"
    )
    photo_kept: bool = Field(description="whether the photo of what asks to see a doctor is kept")

    @classmethod
    def from_entry(cls, entry: InboxEntry, language: Language) -> Self:
        spot, advice = entry.lesion, entry.advice
        return cls.from_record(
            entry,
            lesion=spot.id if spot else None,
            name=spot.name if spot else None,
            place=spot.place if spot else None,
            advice=InstructionView.from_instruction(advice, language, for_doctor=False)
            if advice
            else None,
            sentence=advice.words(language).next_step
            if advice
            and entry.task is not Task.PICTURE
            and (advice.due or advice.waits_for is WaitsFor.RESULT)
            else None,
        )


class NewsWords(Frozen):
    decided: str
    result: str
    elsewhere: str


NEWS: Mapping[Language, NewsWords] = load_words("reports.news", NewsWords)


class NewDecisionView(Answer):
    """What a doctor or the laboratory has decided, until the owner has opened that finding."""

    finding: int
    lesion: str = Field(description="the spot")
    name: str | None = Field(description="of the spot")
    place: PlaceView | None = Field(description="of the spot; null where nobody has told it")
    by_result: bool = Field(description="whether the laboratory's result is what is new")
    title: str = Field(description="that it has come, or who has decided; not what")
    signed_at: datetime
    advice: InstructionView = Field(description="what counts of the spot now")
    sentence: str = Field(description="how, and by when")

    @classmethod
    def from_decision(cls, new: NewDecision, language: Language) -> Self:
        spot, decision, words = new.lesion, new.decision, NEWS[language]
        name = decision.decided_by
        title = words.result if decision.proven else words.decided.format(name=name)
        if not decision.instructs:
            title = words.elsewhere.format(title=title)
        return cls.from_record(
            new,
            lesion=spot.id,
            name=spot.name,
            place=spot.place,
            by_result=decision.proven,
            title=title,
            advice=InstructionView.from_instruction(new.advice, language, for_doctor=False),
            sentence=new.advice.words(language).next_step,
        )


class InboxView(Answer):
    decisions: list[NewDecisionView] = Field(
        description=f"what is new, the gravest first, {MOST_LISTED} at most"
    )
    practice: PracticeView = Field(description="whom to call about what asks for a visit")
    tasks: list[TaskView] = Field(description=f"the most urgent first, {MOST_LISTED} at most")
    more: int = Field(description="how many others wait")


@routes.route("GET", "/inbox", access=Authenticated())
def show_inbox(inbox: InboxService, *, query: LanguageQuery, subject: Subject) -> InboxView:
    """What is new to the caller about the caller's own spots and findings, and waits to be done."""
    content = inbox.read(owner=subject.account)
    language = query.lang or subject.account.language
    listed = [TaskView.from_entry(task, language) for task in content.tasks[:MOST_LISTED]]
    return InboxView(
        decisions=[
            NewDecisionView.from_decision(item, language)
            for item in content.decisions[:MOST_LISTED]
        ],
        practice=PracticeView.from_practice(content.practice, language),
        tasks=listed,
        more=len(content.tasks) - len(listed),
    )


READ_AT_ONCE = 100


class OwnDataSummary(Value):
    since: datetime = Field(description="when the account was registered")
    findings: int
    photos: int = Field(description="kept ones; of several pictures of a finding each")
    spots: int
    letters: int = Field(description="signed ones")
    messages: int = Field(description="of both sides")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDataService:
    findings: FindingAccess
    letters: LettersService
    lesions: LesionsService
    messages: MessagesService

    def count(self, *, of: Subject) -> OwnDataSummary:
        owner, messages = of.id, self.messages.messages
        findings = photos = letters = 0
        records = self.findings.records
        for batch in batched(records.walk_owned(owner), READ_AT_ONCE):
            kept = records.see(batch)
            findings += len(kept)
            photos += sum(item.photos for item in kept)
            letters += len(self.letters.letters.list_signed_of([item.id for item in kept]))
        return OwnDataSummary(
            since=of.account.created_at,
            findings=findings,
            photos=photos,
            spots=self.lesions.lesions.count_of(owner),
            letters=letters,
            messages=messages.count_of(owner),
        )


data_routes: Routes[OwnDataService] = Routes()


@data_routes.route("GET", "/me/data/summary", access=Authenticated())
def summarise_data(data: OwnDataService, *, subject: Subject) -> OwnDataSummary:
    """How many findings, photos, spots, letters and messages are stored about the caller."""
    return data.count(of=subject)
