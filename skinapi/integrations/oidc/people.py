import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account import Account, AccountFields
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import NewEmail
from skinapi.accounts.auth.errors import LastAdmin
from skinapi.accounts.auth.events import AccountAdded, LogInReplaced
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.errors import AccountSuspended, BadRequest, Conflict, Forbidden, Unavailable
from skinapi.base.field_types import LONGEST_NAME, Name
from skinapi.base.subject import Role
from skinapi.integrations.oidc.settings import OidcProvider
from skinapi.platform.storage.unit_of_work import AuditRow, Unit


class ProviderUnavailable(Unavailable):
    code = "oidc_unavailable"
    sentence = (
        "The clinic's log-in cannot be reached at the moment. Try again in a minute, or log in "
        "with a password, if you have one here"
    )


class LogInRefused(Forbidden):
    code = "oidc_refused"
    sentence = (
        "The clinic's log-in sent an answer that is not accepted here. Log in again; if that is "
        "refused too, tell your administrators"
    )

    def __init__(self, reason: str) -> None:
        """`reason` is logged, so it must not name anybody."""
        super().__init__()
        self.reason = reason


class LogOutRefused(BadRequest):
    """https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse"""

    code, sentence = "oidc_refused", "This log-out token is not accepted here"


class LogInExpired(Forbidden):
    code = "oidc_expired"
    sentence = (
        "This log-in was cancelled, was used already, took too long, or was begun in another "
        "browser. Begin again"
    )


class NoVerifiedEmail(Forbidden):
    code = "oidc_no_email"
    sentence = (
        "Your clinic's account says no verified e-mail address, and an account here needs one. Ask "
        "the clinic's administrators"
    )


class NotLinked(Conflict):
    code = "oidc_not_linked"
    sentence = (
        "An account here has your e-mail address already. Ask an admin to let it log in with the "
        "clinic's log-in"
    )


LONGEST_SUBJECT = 255  # https://openid.net/specs/openid-connect-core-1_0.html#IDToken
_EMAIL, _NAME = TypeAdapter(NewEmail), TypeAdapter(Name)
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has logged in at a provider. `identity` and `session` are hashes, `email` is
    verified, and `role` is that of a group. `factor`: the provider confirms a second factor.
    """

    identity: str
    email: str | None
    name: str | None
    role: Role | None
    factor: bool
    session: str | None


def read_person(provider: OidcProvider, claims: Claims) -> Person:
    subject, session = claims.get("sub"), claims.get("sid")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise LogInRefused("bad_claim")
    verified = claims.get("email_verified") is True or provider.trust_email
    acr, amr = claims.get("acr"), claims.get("amr")
    methods = amr if isinstance(amr, list) else []
    return Person(
        identity=hash_of(provider.issuer, "sub", subject),
        email=_valid(_EMAIL, claims.get("email")) if verified else None,
        name=_valid(_NAME, claims.get("name")) or _valid(_NAME, claims.get("preferred_username")),
        role=_role_of(provider, claims),
        factor=acr in provider.acr or any(method in provider.amr for method in methods),
        session=hash_of(provider.issuer, "sid", session) if isinstance(session, str) else None,
    )


def hash_of(issuer: str, kind: str, value: str) -> str:
    text = f"{kind}\n{issuer}\n{value}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _valid(adapter: TypeAdapter[str], value: object) -> str | None:
    try:
        return adapter.validate_python(value[:LONGEST_NAME] if isinstance(value, str) else None)
    except ValidationError:
        return None


def _role_of(provider: OidcProvider, claims: Claims) -> Role | None:
    # A provider may omit a long list of groups, which must not demote anybody.
    if provider.roles and provider.leaves_groups_out(claims):
        raise LogInRefused("groups_left_out")
    claimed = provider.find_groups(claims)
    groups = [claimed] if isinstance(claimed, str) else claimed if isinstance(claimed, list) else []
    return next((role for group, role in provider.roles.items() if group in groups), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    accounts: Accounts
    sessions: Sessions
    assignments: Assignments

    def account_of(self, unit: Unit, provider: OidcProvider, person: Person) -> Account:
        """Return the account of this person after this log-in, with the role of the groups, or add
        it. An existing account with the same e-mail is only used if an admin has allowed it.
        """
        account = self.accounts.find_by_identity(person.identity)
        if account is None and person.email is None:
            raise NoVerifiedEmail
        if account is None and (taken := self.accounts.find_by_email(person.email or "")):
            account = self._link(unit, taken, provider, person)
        if account is None:
            account = self._add(unit, provider, person)
        if account.barred:
            return account
        return self._follow_groups(unit, account, provider, person.role)

    def _add(self, unit: Unit, provider: OidcProvider, person: Person) -> Account:
        email = person.email or ""
        account = self.accounts.add(
            name=person.name or email.partition("@")[0],
            email=email,
            password_hash="",
            provider=provider.name,
            identity=person.identity,
        )
        unit.audit("account.register", by=account.id, target=account.id, detail=provider.name)
        unit.publish(AccountAdded(account.id))
        return account

    def _link(
        self, unit: Unit, account: Account, provider: OidcProvider, person: Person
    ) -> Account:
        """Linking removes the password, the sessions and the keys, which another person may have
        created. An admin keeps the password, to be able to log in while the provider is down.
        """
        unit.audit("account.link", by=account.id, target=account.id, detail=provider.name)
        if account.link_allowed != provider.name or account.identity:
            raise NotLinked
        if account.barred:
            raise AccountSuspended
        fields = AccountFields(
            provider=provider.name,
            identity=person.identity,
            link_allowed=None,
            token_version=account.token_version + 1,
        )
        if account.role != "admin":
            fields |= AccountFields(password_hash="", initial_password_expires_at=None)
        self.sessions.forget(account.id)
        unit.publish(LogInReplaced(account.id))
        return self.accounts.change(unit, account, **fields)

    def _follow_groups(
        self, unit: Unit, account: Account, provider: OidcProvider, role: Role | None
    ) -> Account:
        """Give the account the role of its group, or remove the role of an earlier group. The
        patients of a doctor who loses the role stay assigned for its return.

        An account made an admin here stays one, as does the last admin with a password.
        """
        made_here = account.role == "admin" and account.group_role != "admin"
        if role is None and account.group_role is None:
            return account
        if role is None and made_here:
            return self.accounts.change(unit, account, group_role=None)
        if role is None:  # not suspended: the next log-in with a group opens it again
            fields = AccountFields(
                status="waiting", group_role=None, token_version=account.token_version + 1
            )
            if not self.accounts.count_patients({account.id}):
                fields["role"] = "user"
        else:
            fields = AccountFields(status="approved", group_role=role)
            if not made_here:
                fields["role"] = role
        try:
            changed = self.accounts.change(unit, account, **fields)
        except LastAdmin:
            return account
        if account.status != changed.status:
            action = "account.approve" if changed.approved else "account.unapprove"
            unit.record(AuditRow(action, by="system", target=changed.id, detail=provider.name))
        if account.role != changed.role:
            action = f"account.role_{changed.role}"
            unit.record(AuditRow(action, by="system", target=changed.id, detail=provider.name))
        new = account.status == "waiting" and changed.approved and changed.role == "user"
        if new and changed.doctor_id is None and (doctor := self.assignments.find_default()):
            self.assignments.assign(unit, changed, doctor=doctor, by="system")
            changed = self.accounts.get(changed.id)
        return changed
