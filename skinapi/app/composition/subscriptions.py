from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from skinapi.accounts.admin.usage import ACCOUNTS
from skinapi.accounts.auth.events import (
    AccountAdded,
    AccountClosed,
    AccountEvent,
    ApprovalChanged,
    ConsentWithdrawn,
    DoctorChanged,
    DoctorReturned,
    KeptPhotosUnwanted,
    LogInReplaced,
)
from skinapi.app.areas import switched_on
from skinapi.app.composition.forgetting import call_place
from skinapi.app.composition.repositories import Repositories
from skinapi.base.area_parts import list_parts
from skinapi.base.container import Container
from skinapi.base.settings.settings import Settings
from skinapi.care.cases import CasesService
from skinapi.care.messages import UnansweredMessages
from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.events import (
    AnswerChanged,
    FindingDeleted,
    FindingEvent,
    FindingFiled,
    FindingsChanged,
    FindingSorted,
    FindingVoided,
    LesionDeleted,
    PhotosRemoved,
    ReviewSigned,
)
from skinapi.findings.records.service import FindingsService
from skinapi.privacy.erasure.service import ErasureService

# It may return files to delete after the transaction.
Call = Callable[[str], Iterable[str] | None]


def subscribe(
    data: Repositories,
    *,
    cases: CasesService,
    counts: LesionCounts,
    unanswered: UnansweredMessages,
    findings: FindingsService,
    erasure: ErasureService,
    container: Container,
) -> None:
    data.failed_items.on_damaged = data.findings.renew_damaged
    _to_accounts(data, cases, findings)
    _to_findings(data, counts, unanswered)
    stored = [part.STORED for part in list_parts("stored")]
    for area in stored:
        for event, place in area.erases.items():
            data.work.inside(event, partial(call_place, container, place))
    for on in switched_on(container.get(Settings)):
        container.build(on.subscribe)
    log_ins: list[Callable[[str], object]] = [
        data.sessions.forget,
        data.password_links.forget,
        data.guess_limits.forget,
        *(partial(call_place, container, place) for area in stored for place in area.log_ins),
    ]
    _to_closing(data, erasure, log_ins)


def _of_account(*calls: Call) -> Iterator[Callable[[AccountEvent], Iterable[str] | None]]:
    return (partial(lambda call, event: call(event.account), call) for call in calls)


def _of_finding(*calls: Call) -> Iterator[Callable[[FindingEvent], Iterable[str] | None]]:
    return (partial(lambda call, event: call(event.finding.id), call) for call in calls)


def _to_accounts(data: Repositories, cases: CasesService, findings: FindingsService) -> None:
    inside, afterwards = data.work.inside, data.work.afterwards
    messages, waiting = data.messages, data.waiting
    afterwards(AccountAdded, lambda _: data.usage.add(ACCOUNTS))
    inside(
        DoctorChanged,
        lambda event: messages.set_doctor(event.patient, event.doctor),
        lambda event: waiting.set_doctor(event.patient, event.doctor),
        findings.access.unassigned.on_doctor_changed,
    )
    inside(DoctorReturned, findings.access.unassigned.on_doctor_returned)
    inside(ApprovalChanged, *_of_account(data.findings.renew_waiting_of))
    inside(LogInReplaced, *_of_account(data.keys.revoke_all))
    inside(ConsentWithdrawn, cases.on_withdrawn)
    erase_photos = partial(_erase_photos, data, findings)
    inside(KeptPhotosUnwanted, *_of_account(erase_photos, data.person_files.forget_with))


def _erase_photos(data: Repositories, findings: FindingsService, account: str) -> list[str]:
    """The result is the keys of the files to delete."""
    findings.retention.refuse_erasure_of_photos(account)
    erased, photos = data.findings.erase_photos(account)
    for finding in erased:
        data.erased_ids.add("photo", finding)
    return [*photos, *data.issued.drop_pdfs(erased)]


def _to_findings(data: Repositories, counts: LesionCounts, unanswered: UnansweredMessages) -> None:
    inside, afterwards = data.work.inside, data.work.afterwards
    erased, messages = data.erased_ids, data.messages
    inside(FindingFiled, counts.on_filed)
    if data.account_uses.stored:
        for using in (FindingFiled, AnswerChanged):
            inside(using, data.account_uses.on_finding)
        inside(ReviewSigned, lambda event: data.account_uses.note(event.owner))
    afterwards(FindingFiled, lambda event: data.usage.add_finding(event.finding.finding))
    inside(FindingsChanged, counts.on_findings_changed)
    inside(FindingSorted, *_of_finding(data.letters.leave_spot, data.issued.leave_spot))
    for gone in (FindingVoided, FindingDeleted):
        inside(
            gone,
            *_of_finding(messages.drop_reference),
            lambda event: data.person_files.forget_with(event.finding.owner),
        )
    inside(
        LesionDeleted,
        unanswered.on_lesion_deleted,
        lambda event: data.reviews.forget([event.lesion]),
    )
    inside(FindingVoided, lambda event: erased.add("error", event.finding.id))
    for without_photos in (PhotosRemoved, FindingVoided):
        inside(without_photos, lambda event: data.issued.drop_pdfs([event.finding.id]))
    inside(
        FindingDeleted,
        lambda event: erased.add("finding", event.finding.id, request=event.finding.filed_request),
        *_of_finding(data.second_opinions.forget),
        *_of_finding(data.letters.forget, data.issued.forget),
        lambda event: data.failed_items.forget(event.finding.id),
        lambda event: data.outbox.withdraw_about(
            f"finding/{event.finding.number}", to=event.finding.owner
        ),
    )


def _to_closing(
    data: Repositories,
    erasure: ErasureService,
    log_ins: Sequence[Callable[[str], object]],
) -> None:
    inside, afterwards = data.work.inside, data.work.afterwards

    def end_log_ins(account: str) -> None:
        data.keys.revoke_all(account)
        for end in (data.keys.sessions.forget, *log_ins):
            end(account)

    forget_file = data.person_files.forget_with
    inside(AccountClosed, erasure.on_closed, *_of_account(end_log_ins, forget_file))
    afterwards(AccountClosed, erasure.erase_closed)
    inside(ApprovalChanged, erasure.on_approval_changed)
