"""What crosses the wire at the door."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints

from skinapi.auth.accounts import Account, Role, Status
from skinapi.auth.emails import Email
from skinapi.auth.passwords import AnyPassword, NewPassword
from skinapi.web.fields import Answer, Body, ContractBody, Name


class Registration(ContractBody):
    missing: ClassVar[str] = "Name, email, and password required"
    name: Name
    email: Email
    password: NewPassword


class Registered(Answer):
    message: str
    access_token: str


class Credentials(ContractBody):
    missing: ClassVar[str] = "Email and password required"
    email: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    password: Annotated[AnyPassword, StringConstraints(min_length=1)]


class LoggedIn(Answer):
    access_token: str
    role: Role
    collection: Literal["users", "doctors"]
    must_change_password: bool


class NewPasswordBody(Body):
    current_password: AnyPassword
    new_password: NewPassword


class Consents(Body):
    """What is left out stays as it was."""

    photos: bool | None = Field(default=None, description="whether one's photos may be kept")
    llm: bool | None = Field(
        default=None,
        description="whether the figures of one's findings, without picture or name, may travel to "
        "the LLM that puts reports into words",
    )


class PasswordChanged(Answer):
    message: str
    access_token: str


class AccountView(Answer):
    """An account as it may be shown, read from the account itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id")
    name: str
    email: str
    role: Role
    status: Status
    approved: bool
    must_change_password: bool = Field(validation_alias="must_change")
    created_at: datetime


class PatientView(AccountView):
    doctor: str | None = Field(default=None, description="the e-mail of the doctor in charge")

    @classmethod
    def of(cls, account: Account, doctor: str | None) -> Self:
        return cls.model_validate(account).model_copy(update={"doctor": doctor})


class Me(PatientView):
    locale: str
    consents: dict[str, bool]
