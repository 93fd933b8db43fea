from collections.abc import Collection, Sequence
from functools import partial
from typing import Literal

from skinapi.accounts.admin.decisions import DecisionsService
from skinapi.accounts.admin.schemas import (
    AccountRow,
    AccountSearch,
    Approval,
    Approvals,
    Assignment,
    DayOfUsage,
    DecidedView,
    Deletion,
    DeletionQuery,
    Keep,
    NewDoctor,
    NewRole,
    OpenWork,
    Refusals,
    UsageQuery,
    UsageView,
    WriterUsage,
)
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.admin.usage import DailyCounts
from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import (
    UNPROVEN,
    EmailTaken,
    LastAdmin,
    NoSecondFactor,
)
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import AccountView
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.pages import Page
from skinapi.base.subject import ROLES, Role
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import ContractPageQuery, Message

NON_DOCTOR_ROLES: tuple[Role, ...] = tuple(role for role in ROLES if role != "doctor")
routes: Routes[AdminService] = Routes()
decision_routes: Routes[DecisionsService] = Routes()
usage_routes: Routes[DailyCounts] = Routes()


@routes.route("GET", "/accounts", access=admins("Only admin can view accounts"))
def list_accounts(admin: AdminService, *, query: AccountSearch) -> Page[AccountRow]:
    """List all accounts, in the order they registered. `status=unassigned` lists the patients
    without a doctor.
    """
    page = admin.list_accounts(
        roles=(query.role,) if query.role else ROLES,
        status=query.status,
        beginning=query.q,
        paging=query.paging,
    )
    ids = [item.id for item in page.items]
    in_charge = admin.accounts_of({item.doctor_id for item in page.items if item.doctor_id})
    return page.map(
        partial(
            AccountRow.from_account,
            doctors={doctor: account.email for doctor, account in in_charge.items()},
            patients=admin.accounts.count_patients(
                {item.id for item in page.items if item.role == "doctor"}
            ),
            default_doctor=admin.assignments.find_default(),
            waiting=_count_open_work(admin, "owner", ids),
            in_care=_count_open_work(admin, "doctor", ids),
        )
    )


def _count_open_work(
    admin: AdminService, field: Literal["owner", "doctor"], ids: Collection[str]
) -> dict[str, OpenWork]:
    spots, urgent = admin.spots.count_by(field, ids), admin.spots.count_urgent_by(field, ids)
    return {
        item: OpenWork(
            findings=kinds.get("review", 0), urgent=urgent.get(item, 0), by_kind=dict(kinds)
        )
        for item, kinds in spots.items()
    }


@routes.route("GET", "/users", access=admins("Only admin can view users"))
def list_users(admin: AdminService, *, query: ContractPageQuery) -> Page[AccountView]:
    """List all accounts except doctors, in the order they registered. `GET /accounts` searches."""
    return _page_of(admin, NON_DOCTOR_ROLES, query)


@routes.route("GET", "/doctors", access=admins("Only admin can view doctors"))
def list_doctors(admin: AdminService, *, query: ContractPageQuery) -> Page[AccountView]:
    """List all doctors, in the order they registered or were added."""
    return _page_of(admin, ("doctor",), query)


def _page_of(
    admin: AdminService, roles: Sequence[Role], query: ContractPageQuery
) -> Page[AccountView]:
    page = admin.list_accounts(roles=roles, status=None, beginning=None, paging=query.paging)
    return page.map(AccountView.model_validate)


@routes.route(
    "DELETE",
    "/users/<email>",
    access=admins("Only admin can delete users"),
    raises=(*UNPROVEN, NotFound, LastAdmin),
)
def delete_user(
    admin: AdminService, *, email: str, query: DeletionQuery, body: Deletion, subject: Subject
) -> Message:
    """Close an account. It is erased after `DELETION_WAIT_DAYS`, or when the law no longer keeps
    its medical record. The person is told by mail, with the code of the receipt.
    """
    admin.prove(subject, body.proof(ClientInfo(address=caller_address())))
    admin.close_account(email=email, of_doctor=False, by=subject.id, reason=query.reason)
    return Message(message=f"User {email} deleted")


@decision_routes.route(
    "PATCH",
    "/users/<email>/approve",
    access=admins("Only admin can approve users"),
    raises=(NotFound, Conflict),
)
def approve_user(
    decisions: DecisionsService, *, email: str, body: Approval, subject: Subject
) -> Message:
    """Approve an account, lift its suspension, or open it if it is closed; with role `doctor` or
    `researcher`, also make a user one. A patient comes into the care of `doctor`.

    It never demotes: an admin stays an admin, a doctor stays a doctor.
    """
    happened = decisions.approve_account(
        email=email, role=body.role, doctor=body.chosen_doctor, by=subject.id
    )
    return Message(message=happened)


@routes.route(
    "PUT",
    "/users/<email>/role",
    access=admins("Only admin can change roles"),
    raises=(NotFound, Conflict, LastAdmin),
)
def change_role(admin: AdminService, *, email: str, body: NewRole, subject: Subject) -> Message:
    """Change the role of an account. The last admin cannot be demoted. A patient who gets another
    role stays in the care of the same doctor.
    """
    account = admin.set_role(email=email, role=body.role, by=subject.id)
    return Message(message=f"User {account.email} is now {account.role}.")


@routes.route(
    "PATCH",
    "/users/<email>/suspend",
    access=admins("Only admin can suspend users"),
    raises=(NotFound, LastAdmin),
)
def suspend_user(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Suspend an account, and revoke its tokens at once.

    Approving it again lifts the suspension.
    """
    account = admin.suspend_account(email=email, by=subject.id)
    return Message(message=f"User {account.email} suspended.")


@routes.route(
    "DELETE",
    "/users/<email>/second-factor",
    access=admins("Only admin can remove second factors"),
    raises=(NotFound, Conflict, NoSecondFactor),
)
def reset_second_factor(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Take the second factor of somebody else's account away, and revoke all its tokens.

    Only for who is known to be the owner, and has neither the app nor a recovery code any more.
    """
    admin.reset_second_factor(email=email, by=subject.id)
    return Message(message=f"User {email} has no second factor any more.")


@decision_routes.route(
    "PUT",
    "/users/<email>/doctor",
    access=admins("Only admin can assign doctors"),
    raises=(NotFound, Conflict),
)
def assign_doctor(
    decisions: DecisionsService, *, email: str, body: Assignment, subject: Subject
) -> Message:
    """Put a patient in the care of a doctor; with `null`, end the care.

    The doctor can see the patient's submissions.
    """
    decisions.assign_doctor(email=email, doctor=body.doctor, by=subject.id)
    return Message(message=f"User {email} is in the care of {body.doctor or 'nobody'}.")


@routes.route(
    "PUT", "/users/<email>/keep", access=admins("Only admin can keep accounts"), raises=(NotFound,)
)
def keep_account(admin: AdminService, *, email: str, body: Keep, subject: Subject) -> Message:
    """Keep an account from being erased, with a reason, or with null no longer. Its data is not
    deleted by age either.
    """
    admin.set_keep(email=email, reason=body.reason, by=subject.id)
    return Message(message=f"User {email} is {'kept' if body.reason else 'no longer kept'}.")


@routes.route(
    "POST",
    "/doctors",
    access=admins("Only admin can add doctors"),
    status=201,
    raises=(EmailTaken,),
)
def add_doctor(admin: AdminService, *, body: NewDoctor, subject: Subject) -> Message:
    """Add an approved doctor, who must replace this initial password before it expires."""
    admin.add_doctor(name=body.name, email=body.email, password=body.password, by=subject.id)
    return Message(message="Doctor added successfully")


@routes.route(
    "DELETE",
    "/doctors/<email>",
    access=admins("Only admin can delete doctors"),
    raises=(*UNPROVEN, NotFound),
)
def delete_doctor(
    admin: AdminService, *, email: str, query: DeletionQuery, body: Deletion, subject: Subject
) -> Message:
    """Close the account of a doctor. The patients then have no doctor until somebody takes them."""
    admin.prove(subject, body.proof(ClientInfo(address=caller_address())))
    admin.close_account(email=email, of_doctor=True, by=subject.id, reason=query.reason)
    return Message(message=f"Doctor {email} deleted")


@decision_routes.route(
    "POST",
    "/accounts/approvals",
    access=admins("Only admin can approve users"),
    raises=(NotFound, Conflict),
)
def approve_accounts(
    decisions: DecisionsService, *, body: Approvals, subject: Subject
) -> DecidedView:
    """Approve many accounts at once, and put those that are patients in the care of a doctor.

    It never demotes. What cannot be decided on is named in `left`, as one that is suspended,
    closed or refused, and the others are approved.
    """
    decided = decisions.approve_accounts(
        ids=body.accounts, role=body.role, doctor=body.chosen_doctor, by=subject.id
    )
    return DecidedView.from_decision(decided)


@decision_routes.route("POST", "/accounts/refusals", access=admins("Only admin can refuse users"))
def refuse_accounts(
    decisions: DecisionsService, *, body: Refusals, subject: Subject
) -> DecidedView:
    """Refuse accounts that wait for approval, with a reason that their owners read.

    They read it by mail, where the server sends mails, and at the login, behind the right password
    alone. A refused account is deleted as one that nobody approves.
    """
    decided = decisions.refuse_accounts(
        ids=body.accounts, reason=body.reason, note=body.note, by=subject.id
    )
    return DecidedView.from_decision(decided)


@usage_routes.route("GET", "/admin/usage", access=admins("Only admin can view the usage"))
def show_usage(counts: DailyCounts, *, query: UsageQuery) -> UsageView:
    """How many findings, refused photos, accounts and reports each day (UTC) had, and what was kept
    of an LLM's sentences.
    """
    days = counts.read(days=query.days)
    return UsageView(
        days=[DayOfUsage.from_day(day, counted) for day, counted in days],
        writer=WriterUsage.from_days(counted for _, counted in days),
    )
