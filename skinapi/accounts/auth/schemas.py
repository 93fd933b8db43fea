from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from flask import request
from pydantic import ConfigDict, Field, StringConstraints, field_validator

from skinapi.accounts.auth.account import Account, AccountFields, Status, WantedRole
from skinapi.accounts.auth.consents import (
    PURPOSES,
    ConsentGiven,
    ConsentText,
    Purpose,
    find_text,
    is_given_under,
    latest_of,
    newest_text,
)
from skinapi.accounts.auth.email_addresses import NewEmail
from skinapi.accounts.auth.passwords import AnyPassword, ClientInfo, NewPassword, Proof
from skinapi.accounts.auth.sessions import Session
from skinapi.base.field_types import Legible, Name, Phone, Printable
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.base.subject import Role
from skinapi.model.context import OLDEST, Sex, age_band_of
from skinapi.platform.storage.ids import now
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Answer, Body, ContractBody, Query

LONGEST_CLIENT_NAME = 100
ClientName = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_CLIENT_NAME), Printable, Legible
]
LONGEST_TOKEN = 200
SHOWN_CHANGES = 100
CODE = "of the second factor, or a recovery code, where the account has one"
# The code of an authenticator app, which may contain a space, or a recovery code.
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[ -~]+$")]
# Any text: an invalid address must fail like a wrong password (401, not 400).
LoginEmail = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class TokenRequest(Body):
    refresh: bool = Field(
        default=False,
        description="a short access token and a refresh token instead of one for a working day",
    )
    client: ClientName | None = Field(
        default=None, description="the client's name in the list of sessions"
    )

    def caller(self) -> ClientInfo:
        """The default name is that of the client's software."""
        printable = "".join(filter(str.isprintable, request.user_agent.string))
        client = self.client or printable[:LONGEST_CLIENT_NAME] or None
        return ClientInfo(address=caller_address(), client=client, renews=self.refresh)


class Registration(TokenRequest, ContractBody):
    missing: ClassVar[str] = "Name, email, and password required"
    name: Name
    email: NewEmail
    password: NewPassword
    wanted_role: WantedRole | None = Field(
        default=None, description="what the account asks to be approved as; it opens nothing"
    )


class Refreshed(Answer):
    access_token: str
    expires_at: datetime
    refresh_token: str = Field(description="good for one use; showing it again ends the session")


class NewTokens(Answer):
    message: str
    access_token: str
    expires_at: datetime | None = optional("with `refresh: true`")
    refresh_token: str | None = optional("with `refresh: true`")


class Credentials(TokenRequest, ContractBody):
    missing: ClassVar[str] = "Email and password required"
    email: LoginEmail
    password: Annotated[AnyPassword, StringConstraints(min_length=1)]
    code: Code | None = Field(default=None, description=CODE)


class LoggedIn(Answer):
    access_token: str
    role: Role
    collection: Literal["users", "doctors"]
    must_change_password: bool
    expires_at: datetime | None = optional("with `refresh: true`")
    refresh_token: str | None = optional("with `refresh: true`")


class RefreshBody(Body):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TOKEN)]


class NewPasswordBody(TokenRequest):
    current_password: AnyPassword
    new_password: NewPassword


class PasswordReplacement(NewPasswordBody):
    email: LoginEmail
    code: Code | None = Field(default=None, description=CODE)


class OwnChange(Body):
    """What is left out stays, and null removes it."""

    locale: Language | None = None
    notices: bool | None = Field(
        default=None, description="whether mails are sent that are not of security"
    )
    phone: Phone | None = Field(default=None, description="digits, spaces and `+ ( ) - / .`")
    birth_year: int | None = Field(default=None, description=f"at most {OLDEST} years ago")
    sex: Sex | None = None

    @field_validator("birth_year")
    @classmethod
    def _refuse_no_year(cls, year: int | None) -> int | None:
        if year is not None and age_band_of(now().year - year) is None:
            raise ValueError(f"a year from {now().year - OLDEST} to {now().year}")
        return year

    @field_validator("locale", "notices")
    @classmethod
    def _refuse_removal(cls, chosen: Language | bool | None) -> Language | bool:
        if chosen is None:
            raise ValueError("it can be changed, and not removed")
        return chosen

    @property
    def wanted(self) -> AccountFields:
        sent: AccountFields = self.model_dump(include=self.model_fields_set)  # type: ignore[assignment]
        return sent


class ForgottenPassword(Body):
    email: LoginEmail


class PasswordByLink(Body):
    token: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TOKEN)] = Field(
        description="what stands behind the last / of the link"
    )
    new_password: NewPassword


class PasswordLinkView(Answer):
    message: str
    link: str = Field(description="can be used once")
    expires_at: datetime


class SessionView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    last_used_at: datetime = Field(description="the login, or the last refresh")
    expires_at: datetime
    client: str | None = Field(description="as the client called itself")
    refreshes: bool
    current: bool = Field(description="whether this request belongs to it")

    @classmethod
    def from_session(cls, session: Session, current_id: str) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.used_at,
            expires_at=session.expires_at,
            client=session.client,
            refreshes=session.family is not None,
            current=session.id == current_id,
        )


class AccountView(Answer):
    """The fields of an account that may be shown; built from an `Account`."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id")
    name: str
    email: str
    role: Role
    status: Status
    approved: bool
    must_change_password: bool = Field(validation_alias="must_change")
    created_at: datetime
    second_factor: bool = Field(validation_alias="has_second_factor")
    wanted_role: WantedRole | None = Field(
        default=None, description="as it asked at its registration, while it waits"
    )
    provider: str | None = optional(
        "where it logs in, if it is of the clinic's log-in; else absent"
    )


# Empty or left out for an account without a password, which must have logged in just now.
OwnPassword = Annotated[
    AnyPassword,
    Field(description="left out for an account that has none here: it must have just logged in"),
]


class CurrentPassword(Body):
    needed: ClassVar[bool] = True  # only by who has no password it is not
    current_password: OwnPassword = ""


class CodeBody(Body):
    code: Code


class PasswordAndCode(CurrentPassword, CodeBody):
    pass


class ProvenBody(CurrentPassword):
    code: Code | None = Field(default=None, description=CODE)

    def proof(self, caller: ClientInfo) -> Proof:
        return Proof(password=self.current_password, code=self.code, caller=caller)


class OwnDeletion(ProvenBody):
    """The account whose owner proves it is deleted."""


class QrCode(Answer):
    side: int = Field(description="how many squares it is wide and high, without the margin")
    path: str = Field(description="the dark squares, as the path of an SVG of that side")


class SecondFactorSecret(Answer):
    secret: str = Field(description="to type into an authenticator app; shown this once")
    uri: str = Field(description="the same as a link that opens an app")
    qr: QrCode


class RecoveryCodes(Answer):
    recovery_codes: list[str] = Field(
        description="each opens the account once without the app; shown this once"
    )


class Me(AccountView):
    doctor: str | None = Field(default=None, description="the e-mail of the doctor in charge")
    doctor_name: str | None = optional("the name of that doctor; absent without one")
    phone: str | None = optional("for the doctor to reach one; absent without one")
    locale: str
    consents: dict[str, bool]
    birth_year: int | None = optional("as one has told it for photos to come; absent else")
    sex: Sex | None = optional("the same of the sex")
    notices: bool | None = Field(
        description="whether mails are sent that are not of security; null where the server sends "
        "no mail"
    )
    second_factor_missing: bool = Field(
        default=False, description="whether one must be set up first: the operator requires it"
    )
    recovery_codes_left: int
    has_password: bool = optional(
        "false where the account logs in at its provider alone; else absent", default=True
    )

    @classmethod
    def of_oneself(
        cls, account: Account, doctor: Account | None, *, notices: bool | None, factor_missing: bool
    ) -> Self:
        in_charge = {"doctor": doctor.email, "doctor_name": doctor.name} if doctor else {}
        update = {**in_charge, "notices": notices, "second_factor_missing": factor_missing}
        return cls.model_validate(account).model_copy(update=update)


class ShownTexts(Body):
    """The versions of the texts that were shown."""

    photos: int | None = None
    llm: int | None = None
    training: int | None = None
    sharing: int | None = None


class Consents(Body):
    """The consents to change. One that is left out does not change."""

    photos: bool | None = Field(default=None, description="whether one's photos may be kept")
    llm: bool | None = Field(
        default=None,
        description="whether the figures of one's findings, without picture or name, may travel to "
        "the LLM that puts reports into words; with the newest of `texts`, what that names may "
        "travel for a letter's draft, too",
    )
    training: bool | None = Field(
        default=None,
        description="whether one's kept photos may teach a model, with the label of a review and "
        "under a code instead of the account; `false` erases the copies in data sets",
    )
    sharing: bool | None = Field(
        default=None,
        description="whether one's doctor may ask a colleague for a second opinion: never asked, "
        "yes; `false` withdraws the requests that wait",
    )
    texts: ShownTexts | None = Field(
        default=None,
        description="the versions of the texts that were shown; one that is not the newest is "
        "refused. Without them it is not known which text was agreed to",
    )
    language: Language | None = Field(default=None, description="in which they were shown")
    erase_kept: bool = Field(
        default=False,
        description="with `photos` false: also deletes the photos that are kept, their copies in "
        "data sets and the stored PDFs that show them",
    )


class ConsentsQuery(Query):
    lang: Language | None = Field(
        default=None, description="of the texts; that of the account unless given"
    )


class ConsentTextView(Answer):
    version: int
    title: str
    text: str

    @classmethod
    def from_text(cls, text: ConsentText, language: Language, company: str | None) -> Self:
        title = text.title.in_language(language)
        return cls(version=text.version, title=title, text=text.say(language, company))


class ConsentView(Answer):
    purpose: Purpose
    given: bool | None = Field(description="null where it was never asked")
    since: datetime | None = Field(
        description="when that was said; null where it was never, or nobody noted it then"
    )
    version: int | None = Field(
        description="of the text under which it was given; null where that is not known"
    )
    ask_again: bool = Field(
        description="whether it was given under another text than the newest one, or while another "
        "company got the data; it still stands"
    )
    newest: ConsentTextView = Field(description="the text that is asked now")
    agreed: ConsentTextView | None = Field(
        description="the text under which it was given, where that is another one"
    )


class ConsentChangeView(Answer):
    at: datetime
    purpose: str
    given: bool = Field(description="false: withdrawn, or refused")
    version: int | None = Field(description="of the text that was shown; null where nobody said")
    language: str | None
    way: str = Field(
        description="`console`: a page that showed the text; `client`: another program of the "
        "person's; for one photo alone: `photo`, its form; `key`, a program; `fhir`, a Consent"
    )
    by_oneself: bool

    @classmethod
    def from_change(cls, change: ConsentGiven) -> Self:
        fields = change.model_dump(include={"purpose", "given", "version", "language", "way"})
        return cls(**fields, at=change.created_at, by_oneself=change.by == change.account)


class ConsentsView(Answer):
    consents: list[ConsentView]
    history: list[ConsentChangeView] = Field(description="the newest 100, the newest first")

    @classmethod
    def from_account(
        cls, account: Account, history: list[ConsentGiven], language: Language, company: str
    ) -> Self:
        latest = latest_of(history)
        return cls(
            consents=[
                _view_of(purpose, account, latest.get(purpose), language, company)
                for purpose in PURPOSES
            ],
            history=[
                ConsentChangeView.from_change(change)
                for change in reversed(history[-SHOWN_CHANGES:])
            ],
        )


def _view_of(
    purpose: Purpose,
    account: Account,
    last: ConsentGiven | None,
    language: Language,
    company: str,
) -> ConsentView:
    given, newest = account.consents.get(purpose), newest_text(purpose)
    agreed = find_text(purpose, last.version) if last and last.given else None
    stands = last is not None and last.given and is_given_under(last, newest, company)
    before = last.company if last else None
    return ConsentView(
        purpose=purpose,
        given=given,
        since=last.created_at if last else None,
        version=agreed.version if agreed else None,
        ask_again=given is True and not stands,
        newest=ConsentTextView.from_text(newest, language, company),
        agreed=ConsentTextView.from_text(agreed, language, before)
        if agreed and not stands
        else None,
    )
