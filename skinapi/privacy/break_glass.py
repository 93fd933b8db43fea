"""An admin opens one finding for an hour, with a reason and the password again.

Who names a patient by e-mail gets the numbers and dates of the newest findings, within the same
act, and chooses one. What an admin may read, and when a grant ends by itself:
findings/records/read_access.py and `get_to_read` of findings/records/service.py.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.former_owners import FormerOwners
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict, Forbidden, InvalidToken, NotFound, TooManyRequests
from skinapi.base.pages import Page, PageRequest
from skinapi.findings.records.break_glasses import LIFE, BreakGlass, BreakGlasses, End
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.stored_finding import StoredFindingSummary
from skinapi.findings.status.lesion_status import Audience
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic


class BreakGlassOff(Forbidden):
    code = "break_glass_off"
    sentence = "The operator of this server allows no emergency access (BREAK_GLASS)"


class BreakGlassOpen(Conflict):
    code = "break_glass_open"
    sentence = "You have an emergency access already; end it first"


class BreakGlassNotNeeded(Conflict):
    code = "break_glass_not_needed"
    sentence = "This finding is your own: open it as you open the others"


class BreakGlassChosen(Conflict):
    code = "break_glass_chosen"
    sentence = "A finding was chosen already; another one takes another emergency access"


class BreakGlassEnded(Conflict):
    code = "break_glass_ended"
    sentence = "This emergency access has ended"


class TooManyBreakGlass(TooManyRequests):
    code = "too_many_break_glass"
    sentence = "You have asked for an emergency access as often as you may in a day"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{self.sentence} ({most}). The other admins are told. A doctor in charge can open the "
            "finding"
        )


ACTION = "breakglass.ask"
DAY = timedelta(days=1)
MOST_LISTED = 20
NO_FINDING = "There is no such finding, or no patient with this e-mail address who has one"
NO_GRANT = "There is no such emergency access"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassTarget:
    """The `number` of a finding, or the `email` of its patient."""

    reason: str
    number: int | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassNotice:
    """A grant as somebody reads it who is concerned; without a name once its admin is gone."""

    grant: BreakGlass
    admin_name: str | None
    reason_shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassService:
    """`most`: how many times an admin may ask in a day."""

    work: UnitOfWork
    grants: BreakGlasses
    accounts: Accounts
    former: FormerOwners
    records: FindingRecords
    second_factor: SecondFactorService
    trail: AuditTrail
    outbox: Outbox
    failed: FailedItems
    most: int

    def ask(self, *, wanted: BreakGlassTarget, by: Subject, proof: Proof) -> BreakGlass:
        """Grant access, and tell the patient, the doctor in charge and the other admins.

        Nothing is looked up before the password, so that nobody else learns which numbers exist.
        What is refused after it is counted too.
        """
        if not self.most:
            raise BreakGlassOff
        account = self.accounts.get(by.id)
        try:
            self.second_factor.reauthenticate(account, proof, session_id=by.session_id)
        except (Forbidden, TooManyRequests) as error:
            self.trail.record(AuditRow(ACTION, by=by.id, target=by.id, outcome=error.code))
            raise
        grant = self._ask(wanted=wanted, by=by)
        if grant.ended == "limit":
            raise TooManyBreakGlass(self.most)
        if grant.ended == "not_found":
            raise NotFound(NO_FINDING)
        return grant

    @atomic
    def _ask(self, unit: Unit, *, wanted: BreakGlassTarget, by: Subject) -> BreakGlass:
        unit.audit(ACTION, by=by.id, target=by.id)
        # Held, so that of two that are asked for at once the second one finds the first.
        if not self.accounts.lock(by.id).active_admin:
            raise InvalidToken
        before = self.grants.find_open(by.id)
        if before and before.in_force:
            raise BreakGlassOpen
        if before:
            self.grants.end(before, before.find_end(now()) or "time")
        asked = self.grants.count_since(by.id, now() - DAY)
        if asked > self.most:
            raise TooManyBreakGlass(self.most)
        moment = now()
        grant = BreakGlass(
            id=new_id(),
            created_at=moment,
            ends_at=moment + LIFE,
            admin=by.id,
            reason=wanted.reason,
        )
        if asked == self.most:
            self._tell_admins(Kind.GLASS_BROKEN_OFTEN, but=by.id)
            return self._refuse(unit, grant, "limit", TooManyBreakGlass.code)
        return self._grant(unit, grant, wanted)

    def _refuse(self, unit: Unit, grant: BreakGlass, how: End, code: str) -> BreakGlass:
        unit.named = None
        unit.record(AuditRow(ACTION, by=grant.admin, target=grant.admin, outcome=code))
        # It may name somebody, and would stay when that person's account is erased.
        unsaid = {"reason": "", "ended": how, "ended_at": grant.created_at}
        refused = grant.model_copy(update=unsaid)
        return self.grants.insert(refused)

    def _grant(self, unit: Unit, grant: BreakGlass, wanted: BreakGlassTarget) -> BreakGlass:
        finding, owner = None, None
        if wanted.number is not None:
            finding = self.records.find_by_number(wanted.number)
            owner = self.accounts.find_by_id(finding.owner) if finding else None
        elif wanted.email is not None:
            owner = self.accounts.find_by_email(wanted.email)
        if owner is None or owner.status == "deleting" or not (finding or self.list_of(owner.id)):
            return self._refuse(unit, grant, "not_found", NotFound.code)
        if owner.id == grant.admin:
            raise BreakGlassNotNeeded
        own = self.former.is_own(owner, self.accounts.get(grant.admin))
        if own or (finding and not self.records.touch(finding.id)):
            return self._refuse(unit, grant, "not_found", NotFound.code)
        about = finding.id if finding else owner.id
        unit.audit(ACTION, by=grant.admin, target=about, owner=owner.id)
        self._tell(grant.admin, owner)
        return self.grants.insert(
            grant.model_copy(
                update={
                    "owner": owner.id,
                    "doctor": owner.doctor_id,
                    "finding": finding.id if finding else None,
                    "number": finding.number if finding else None,
                    "open_by": grant.admin,
                    # The patient of a kept record is gone, and cannot be told.
                    "owner_untold": None if owner.is_record else owner.id,
                    "doctor_untold": owner.doctor_id,
                }
            )
        )

    def _tell(self, admin: str, owner: Account) -> None:
        if not owner.is_record:
            self.outbox.add(Kind.GLASS_BROKEN, to=owner.id, about="my-data")
        if owner.doctor_id:
            self._tell_doctor(owner.doctor_id)
        self._tell_admins(Kind.GLASS_BROKEN_BY_ADMIN, but=admin)

    def _tell_doctor(self, doctor: str) -> None:
        self.outbox.add(Kind.GLASS_BROKEN_OF_PATIENT, to=doctor, about="my-data")

    def _tell_admins(self, kind: Kind, *, but: str) -> None:
        for other in self.accounts.list_active_admins():
            if other != but:
                self.outbox.add(kind, to=other, about="data-protection")

    def list_of(self, owner: str) -> list[StoredFindingSummary]:
        """The patient's newest findings."""
        page = self.records.page_owned(owner, PageRequest(MOST_LISTED), newest_first=True)
        return [finding for finding in page.items if not finding.error]

    def list_choices(self, grant: BreakGlass) -> list[StoredFindingSummary]:
        """List the findings of which one is to be chosen; none once it was."""
        return self.list_of(grant.owner) if grant.owner and not grant.finding else []

    @atomic
    def choose(self, unit: Unit, *, grant: str, number: int, by: Subject) -> BreakGlass:
        held = self.grants.find(grant)
        if held is None or held.admin != by.id or held.owner is None:
            raise NotFound(NO_GRANT)
        unit.audit("breakglass.choose", by=by.id, target=held.owner, owner=held.owner)
        if not held.in_force:
            raise BreakGlassEnded
        if held.finding:
            raise BreakGlassChosen
        finding = self.records.find_by_number(number)
        if finding is None or finding.owner != held.owner or not self.records.touch(finding.id):
            raise NotFound(NO_FINDING)
        unit.audit("breakglass.choose", by=by.id, target=finding.id, owner=held.owner)
        now_told: dict[str, object] = {}
        owner = self.accounts.find_by_id(held.owner)
        if owner and owner.doctor_id and owner.doctor_id != held.doctor:  # since it was asked for
            self._tell_doctor(owner.doctor_id)
            now_told = {"doctor": owner.doctor_id, "doctor_untold": owner.doctor_id}
        chosen = self.grants.change(held, finding=finding.id, number=finding.number, **now_told)
        if chosen is None:
            raise BreakGlassEnded
        return chosen

    @atomic
    def close(self, _: Unit, *, grant: str, by: str) -> None:
        """End it. Any admin may, whoever has it."""
        held = self.grants.find(grant)
        if held is None:
            raise NotFound(NO_GRANT)
        if held.open_by:
            self.grants.end(held, held.find_end(now()) or "closed", by=by)

    def end_over(self) -> None:
        """End those whose time is over, so that the audit trail says so."""
        self.failed.do_each("break_glass", self.grants.find_all_open(), self._end_over)

    @atomic
    def _end_over(self, _: Unit, document: Document) -> None:
        grant = BreakGlass.model_validate(document)
        if how := grant.find_end(now()):
            self.grants.end(grant, how)

    def page_all(self, paging: PageRequest) -> Page[BreakGlassNotice]:
        return self._told(self.grants.page_all(paging))

    def page_concerning(self, *, account: str, paging: PageRequest) -> Page[BreakGlassNotice]:
        """List the grants about the caller's findings, or those of the caller's patients then. A
        patient reads no reason that was written while a doctor holds something back.
        """
        page = self._told(self.grants.page_concerning(account, paging))
        return page.map(lambda told: replace(told, reason_shown=self._shows(told.grant, account)))

    def _shows(self, grant: BreakGlass, reader: str) -> bool:
        if grant.owner != reader or grant.finding is None:
            return True
        finding = self.records.find(grant.finding)
        if finding is None or finding.error:
            return True
        return self.records.see_one(finding, Audience.PATIENT).shows(grant.created_at)

    def _told(self, page: Page[BreakGlass]) -> Page[BreakGlassNotice]:
        admins = self.accounts.by_ids({grant.admin for grant in page.items})
        names = {admin.id: admin.name for admin in admins.values()}
        return page.map(
            lambda grant: BreakGlassNotice(grant=grant, admin_name=names.get(grant.admin))
        )

    @atomic
    def mark_told(self, _: Unit, *, account: str) -> None:
        self.grants.mark_told(account)
