"""Takes back what an admin did to accounts: each is as it was before, unless it was changed
since.
"""

from dataclasses import dataclass

from skinapi.accounts.admin.acts import AccountState, Acts, ActStep
from skinapi.accounts.admin.decisions import REFUSAL_DELAY, Assignments, ChangedSince
from skinapi.accounts.auth.account import Account, AccountFields
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Conflict, NotFound, SkinAPIError
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

NO_ACT = "There is no such act of yours, or it is too long ago: it can be undone for a day"


class FormerDoctorGone(Conflict):
    code = "former_doctor_gone"
    sentence = "The doctor who was in charge is no active doctor now, so the patient stays as it is"


class HasPatientsNow(Conflict):
    code = "has_patients_now"
    sentence = "This doctor has patients by now, so the account stays as it is"


@dataclass(frozen=True, slots=True)
class Undone:
    accounts: list[Account]
    left: dict[str, SkinAPIError]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoService:
    work: UnitOfWork
    accounts: Accounts
    acts: Acts
    assignments: Assignments
    outbox: Outbox

    @atomic
    def take_back(self, unit: Unit, *, act: str, by: str) -> Undone:
        """Done again, it changes nothing, and says which accounts still are as it left them."""
        unit.audit("account.undo_act", by=by, target=act)
        steps = self.acts.list_steps(act, by=by)
        if not steps:
            raise NotFound(NO_ACT)
        undone = Undone([], {})
        for step in steps:
            try:
                undone.accounts.append(self._put_back(unit, step))
            except (NotFound, Conflict) as error:  # before anything of this account is written
                undone.left[step.account] = error
        put_back = sum(step.undone_at is None and step.account not in undone.left for step in steps)
        detail = f"{put_back} of {len(steps)} put back"
        unit.audit("account.undo_act", by=by, target=act, detail=detail)
        return undone

    def _put_back(self, unit: Unit, step: ActStep) -> Account:
        account = self.accounts.get(step.account)
        if step.undone_at:
            if AccountState.from_record(account) != step.before:
                raise ChangedSince
            return account
        self._refuse_changed(step, account)
        before = step.before
        back = AccountFields(
            role=before.role,
            status=before.status,
            wanted_role=before.wanted_role,
            refused=before.refused,
            refused_at=before.refused_at,
            refusal=before.refusal,
        )
        if account.approved and before.status != "approved":
            back["token_version"] = account.token_version + 1
        changed = self.accounts.change(unit, account, **back)
        unit.record(AuditRow("account.undo", step.by, step.account, detail=step.action))
        changed = self.assignments.assign(unit, changed, doctor=before.doctor_id, by=step.by)
        self._mail(step)
        self.acts.mark_undone(step)
        return changed

    def _refuse_changed(self, step: ActStep, account: Account) -> None:
        if AccountState.from_record(account) != step.after or not self.acts.is_newest(step):
            raise ChangedSince
        before, doctor = step.before, step.before.doctor_id
        if doctor and doctor != account.doctor_id:
            in_charge = self.accounts.find_by_id(doctor)
            if in_charge is None or not in_charge.active_doctor:
                raise FormerDoctorGone
        made_doctor = account.role == "doctor" and before.role != "doctor"
        # Who has lost the role before, and was given it back, had them already.
        had_patients = bool(before.patients_rest)
        if made_doctor and not had_patients and self.accounts.count_patients({account.id}):
            raise HasPatientsNow

    def _mail(self, step: ActStep) -> None:
        """Send no mail about what is taken back, and one to who is refused again."""
        for kind in (Kind.APPROVED, Kind.REFUSED):
            self.outbox.withdraw(kind, to=step.account, about="")
        doctor = step.after.doctor_id
        if doctor and doctor != step.before.doctor_id:
            self.outbox.withdraw_arrival(to=doctor, patient=step.account)
        if step.before.refusal and not step.after.refusal:
            self.outbox.add(Kind.REFUSED, to=step.account, delay=REFUSAL_DELAY)
