"""Routes for admins."""

from collections.abc import Sequence

from skinapi.admin.schemas import (
    AccountSearch,
    Approval,
    Assignment,
    AuditQuery,
    AuditRow,
    DayOfUsage,
    DoctorSearch,
    ListedAccount,
    NewDoctor,
    NewRole,
    PasswordReset,
    UsageQuery,
    UsageView,
    UserSearch,
)
from skinapi.admin.service import AdminService
from skinapi.admin.usage import DailyCounts
from skinapi.auth.errors import EmailTaken, LastAdmin, NoSecondFactor
from skinapi.domain.pages import Page
from skinapi.domain.subject import ROLES, Role, Subject
from skinapi.errors import Conflict, NotFound
from skinapi.web.access import admins
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate
from skinapi.web.schemas import Message

NON_DOCTOR_ROLES: tuple[Role, ...] = tuple(role for role in ROLES if role != "doctor")
routes: Routes[AdminService] = Routes("admin")
usage_routes: Routes[DailyCounts] = Routes("usage")


@routes.route("GET", "/accounts", access=admins("Only admin can view accounts"), rate=Rate.READ)
def list_accounts(admin: AdminService, *, query: AccountSearch) -> Page[ListedAccount]:
    """List all accounts, in the order they registered."""
    return _page_of(admin, query, (query.role,) if query.role else ROLES)


@routes.route("GET", "/users", access=admins("Only admin can view users"), rate=Rate.READ)
def list_users(admin: AdminService, *, query: UserSearch) -> Page[ListedAccount]:
    """List all accounts except doctors, in the order they registered."""
    return _page_of(admin, query, (query.role,) if query.role else NON_DOCTOR_ROLES)


@routes.route("GET", "/doctors", access=admins("Only admin can view doctors"), rate=Rate.READ)
def list_doctors(admin: AdminService, *, query: DoctorSearch) -> Page[ListedAccount]:
    """List all doctors, in the order they registered or were added."""
    return _page_of(admin, query, ("doctor",))


def _page_of(
    admin: AdminService, query: AccountSearch | DoctorSearch, roles: Sequence[Role]
) -> Page[ListedAccount]:
    page = admin.list_accounts(
        roles=roles,
        status=query.status,
        beginning=query.q,
        after=query.after,
        limit=query.limit,
    )
    # One query for the whole page, not one for each account.
    doctors = admin.emails_of({account.doctor_id for account in page.items if account.doctor_id})
    patients = admin.count_patients({one.id for one in page.items if one.role == "doctor"})
    return page.map(lambda account: ListedAccount.of(account, doctors=doctors, patients=patients))


@routes.route(
    "DELETE",
    "/users/<email>",
    access=admins("Only admin can delete users"),
    rate=Rate.WRITE,
    raises=(NotFound, LastAdmin),
)
def delete_user(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Delete an account and all its data."""
    admin.delete_user(email=email, by=subject.id)
    return Message(message=f"User {email} deleted")


@routes.route(
    "PATCH",
    "/users/<email>/approve",
    access=admins("Only admin can approve users"),
    rate=Rate.WRITE,
    raises=(NotFound,),
)
def approve_user(admin: AdminService, *, email: str, body: Approval, subject: Subject) -> Message:
    """Approve an account, or lift its suspension; with role `doctor` or `researcher`, also make a
    user one.

    It never demotes: an admin stays an admin, a doctor stays a doctor.
    """
    happened = admin.approve_account(email=email, role=body.role, by=subject.id)
    return Message(message=happened)


@routes.route(
    "PATCH",
    "/users/<email>/unapprove",
    access=admins("Only admin can undo approvals"),
    rate=Rate.WRITE,
    raises=(NotFound, Conflict, LastAdmin),
)
def unapprove_user(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Undo an approval: the account waits again, and its tokens are revoked at once.

    The role stays, also one that the approval gave.
    """
    changed = admin.unapprove_account(email=email, by=subject.id)
    return Message(message=f"User {changed.email} waits for approval.")


@routes.route(
    "PUT",
    "/users/<email>/role",
    access=admins("Only admin can change roles"),
    rate=Rate.WRITE,
    raises=(NotFound, LastAdmin),
)
def change_role(admin: AdminService, *, email: str, body: NewRole, subject: Subject) -> Message:
    """Change the role of an account. The last admin cannot be demoted."""
    changed = admin.set_role(email=email, role=body.role, by=subject.id)
    return Message(message=f"User {changed.email} is now {changed.role}.")


@routes.route(
    "PATCH",
    "/users/<email>/suspend",
    access=admins("Only admin can suspend users"),
    rate=Rate.WRITE,
    raises=(NotFound, LastAdmin),
)
def suspend_user(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Suspend an account, and revoke its tokens at once.

    Approving it again lifts the suspension.
    """
    changed = admin.suspend_account(email=email, by=subject.id)
    return Message(message=f"User {changed.email} suspended.")


@routes.route(
    "POST",
    "/users/<email>/reset-password",
    access=admins("Only admin can reset passwords"),
    rate=Rate.WRITE,
    raises=(NotFound,),
)
def reset_password(admin: AdminService, *, email: str, subject: Subject) -> PasswordReset:
    """Replace an account's password by a one-time password, and revoke all its tokens."""
    password, expires_at = admin.reset_password(email=email, by=subject.id)
    return PasswordReset(
        message="Hand this password over; it must be replaced at the first login",
        password=password,
        expires_at=expires_at,
    )


@routes.route(
    "DELETE",
    "/users/<email>/second-factor",
    access=admins("Only admin can remove second factors"),
    rate=Rate.WRITE,
    raises=(NotFound, Conflict, NoSecondFactor),
)
def reset_second_factor(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Take the second factor of somebody else's account away, and revoke all its tokens.

    Only for who is known to be the owner, and has neither the app nor a recovery code any more.
    """
    admin.reset_second_factor(email=email, by=subject.id)
    return Message(message=f"User {email} has no second factor any more.")


@routes.route(
    "PUT",
    "/users/<email>/doctor",
    access=admins("Only admin can assign doctors"),
    rate=Rate.WRITE,
    raises=(NotFound, Conflict),
)
def assign_doctor(
    admin: AdminService, *, email: str, body: Assignment, subject: Subject
) -> Message:
    """Put a patient in the care of a doctor; with `null`, end the care.

    The doctor can see the patient's submissions.
    """
    admin.assign_doctor(email=email, doctor=body.doctor, by=subject.id)
    return Message(message=f"User {email} is in the care of {body.doctor or 'nobody'}.")


@routes.route(
    "POST",
    "/doctors",
    access=admins("Only admin can add doctors"),
    rate=Rate.WRITE,
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
    rate=Rate.WRITE,
    raises=(NotFound,),
)
def delete_doctor(admin: AdminService, *, email: str, subject: Subject) -> Message:
    """Delete a doctor. The doctor's patients then have no doctor."""
    admin.delete_doctor(email=email, by=subject.id)
    return Message(message=f"Doctor {email} deleted")


@routes.route("GET", "/audit", access=admins("Only admin can read the audit"), rate=Rate.READ)
def read_audit(admin: AdminService, *, query: AuditQuery) -> Page[AuditRow]:
    """Read the audit trail, newest row first."""
    page = admin.read_trail(
        action=query.action, account=query.account, after=query.after, limit=query.limit
    )
    emails = admin.emails_of({row[who] for row in page.items for who in ("by", "target")})
    return page.map(lambda row: AuditRow.of(row, emails))


@usage_routes.route(
    "GET", "/admin/usage", access=admins("Only admin can view the usage"), rate=Rate.READ
)
def show_usage(counts: DailyCounts, *, query: UsageQuery) -> UsageView:
    """How many findings, refused photos, accounts and reports each day (UTC) had."""
    days = counts.read(days=query.days)
    return UsageView(days=[DayOfUsage.of(day, counted) for day, counted in days])
