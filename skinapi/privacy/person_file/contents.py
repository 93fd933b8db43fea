"""Reads what a person's file says: of others only the names and words that the person's own pages
show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.errors import NotFound, RecordDamaged
from skinapi.base.pages import Page, PageRequest, read_all, read_pages
from skinapi.care.letters import LettersService
from skinapi.care.message_records import Messages, Thread
from skinapi.care.reminders import reminder_of
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.service import ReportsService
from skinapi.findings.reviews.service import ReviewsService
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.reviews import MOST_REVIEWS
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.platform.audit.trail import AuditTrail, TrailFilter
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unreadable import hide
from skinapi.privacy import readers
from skinapi.privacy.person_file import format as form

# Who has looked: the person's page of readers says it with the name.
READINGS = frozenset(chain.from_iterable(readers.READINGS.values()))
# What a doctor has not signed is the doctor's alone.
OF_DRAFTS = frozenset({"letter.draft", "letter.change", "letter.delete"})
# Who is no account, by the name that the trail has for it.
NO_ACCOUNTS = frozenset({"", "anonymous", "system", "store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonContents:
    accounts: Accounts
    sessions: Sessions
    keys: ApiKeys
    jobs: Jobs
    findings: FindingAccess
    reviews: ReviewsService
    reports: ReportsService
    letters: LettersService
    lesions: Lesions
    messages: Messages
    outbox: Outbox
    consents: Consents
    trail: AuditTrail

    def read_account(self, account: Account) -> form.FiledAccount:
        doctor = self.accounts.find_by_id(account.doctor_id)
        return form.FiledAccount.from_record(
            account,
            doctor=doctor.name if doctor else None,
            password=account.has_password,
            second_factor=account.has_second_factor,
            recovery_codes_left=account.recovery_codes_left,
            known_browsers=len(account.browsers),
        )

    def read_consents(self, account: Account) -> form.FiledConsents:
        history = [
            form.FiledConsent.from_record(
                row, at=row.created_at, by=form.person_of(row.by, owner=account.id)
            )
            for row in self.consents.history_of(account.id)
        ]
        return form.FiledConsents(current=dict(account.consents), history=history)

    def walk_sessions(self, account: Account) -> Iterator[form.FiledSession]:
        sessions = read_all(partial(self.sessions.page, account))
        return (form.FiledSession.from_record(session) for session in sessions)

    def list_keys(self, account: Account) -> list[form.FiledKey]:
        return [form.FiledKey.from_record(key) for key in self.keys.list_of(account.id)]

    def list_notices(self, account: Account) -> list[form.FiledNotice]:
        return [form.FiledNotice.from_record(notice) for notice in self.outbox.list_to(account.id)]

    def walk_jobs(self, account: Account) -> Iterator[form.FiledJob]:
        jobs = read_all(lambda paging: self.jobs.page_jobs(owner=account.id, paging=paging))
        return (form.FiledJob.from_record(job) for job in jobs)

    def walk_spots(self, account: Account) -> Iterator[form.FiledSpot]:
        spots = self.lesions.list_of(account.id)
        statuses = self.findings.records.spots.read([spot.id for spot in spots])
        for spot in spots:
            status = statuses.get(spot.id)
            newest = status.newest if status else None
            waits = status and newest and spot.reminded != newest.id
            due = reminder_of(status) if status and waits else None
            yield form.FiledSpot.from_record(spot, remind_at=due.remind_at if due else None)

    def walk_messages(self, account: Account, spot: str | None) -> Iterator[form.FiledMessage]:
        """Yield what was written about a spot, or about none."""
        thread = Thread(account.id, spot)
        for message in read_all(partial(self.messages.page, thread, newest_first=False)):
            author = form.person_of(message.author, owner=account.id)
            yield form.FiledMessage.from_record(message, author=author)

    def walk_findings(self, to: Subject) -> Iterator[StoredFinding]:
        for kept in self.findings.records.walk_owned(to.id):
            try:
                yield self.findings.get(number=str(kept.number), to=to)[0]
            except NotFound:
                continue
            except RecordDamaged:
                hide(FINDINGS, kept.id)

    def walk_in_error(self, account: Account) -> Iterator[form.FiledInError]:
        for found in read_all(partial(self.findings.records.page_in_error, account.id)):
            if error := found.error:
                told = {"entered_at": error.entered_at, "reason": error.reason}
                yield form.FiledInError.from_record(found, **told)

    def describe_finding(
        self, finding: StoredFinding, to: Subject, *, photos: list[form.FiledPhoto]
    ) -> form.FiledFinding:
        number, decision = str(finding.number), finding.decision
        reviews = self.reviews.list_reviews(number=number, to=to, paging=PageRequest(MOST_REVIEWS))
        letters = [item.shown.letter for item in self.letters.list_letters(number=number, to=to)]
        return form.FiledFinding.from_record(
            finding,
            decision=_name_doctor(decision, to.id) if decision else None,
            filed_by=_name_account(finding.filed_by, to.id),
            judged_by=_name_account(finding.judged_by, to.id),
            earlier=[
                form.FiledVersion.from_record(item, judged_by=_name_account(item.judged_by, to.id))
                for item in finding.earlier
            ],
            amendments=[
                form.FiledAmendment.from_record(item, by=_name_account(item.by, to.id))
                for item in finding.amendments
            ],
            photos=photos,
            reports=[
                form.FiledReport.from_record(issued, issued_at=issued.created_at)
                for issued in self.reports.list_issued(number=number, to=to)
            ],
            reviews=[
                form.FiledReview.from_record(
                    review, doctor=form.person_of(review.doctor, owner=to.id)
                )
                for review in reviews.items
            ],
            letters=[
                form.FiledLetter.from_record(
                    letter, doctor=form.person_of(letter.doctor, owner=to.id)
                )
                for letter in letters
                if letter.signed_at
            ],
        )

    def walk_audit(
        self, account: Account, numbers: Mapping[str, int]
    ) -> Iterator[form.FiledAuditRow]:
        """Yield what the account did, and what others did to it, the newest first; rows of accounts
        that were joined to it come last. `numbers`: of its findings, by id.
        """
        roles, names = dict[str, str](), dict[str, str]()
        own = (account.id, *account.joined)
        for page in chain.from_iterable(map(self._read_trail, own)):
            wanted = {row["by"] for row in page.items} - roles.keys() - NO_ACCOUNTS
            actors = self.accounts.by_ids(wanted) if wanted else {}
            roles |= {id_: actors[id_].role if id_ in actors else "deleted" for id_ in wanted}
            names |= {id_: actor.name for id_, actor in actors.items()}
            for row in page.items:
                by, shown = str(row["by"]), row["action"] in READINGS
                if by not in own and row["action"] in OF_DRAFTS:
                    continue
                yield form.FiledAuditRow(
                    id=row["id"],
                    at=row["created_at"],
                    action=row["action"],
                    by=_say_actor(row, own, roles),
                    name=names.get(by) if shown and by not in own else None,
                    finding=numbers.get(row["target"]),
                )

    def _read_trail(self, account: str) -> Iterator[Page[Document]]:
        wanted = TrailFilter(account=account)
        return read_pages(partial(self.trail.page, wanted))


def _name_doctor(decision: Decision, owner: str) -> Decision:
    """Name the doctor of a decision as the file names people."""
    return replace(decision, doctor=form.person_of(decision.doctor, owner=owner))


def _say_actor(row: Document, own: Sequence[str], roles: Mapping[str, str]) -> str:
    by = str(row["by"])
    if row.get("by_key"):
        return "program"
    return form.ME if by in own else roles.get(by, by or "anonymous")


def _name_account(account: str | None, owner: str) -> str | None:
    return form.person_of(account, owner=owner) if account else None
