"""What the routes of the register answer with."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.languages import Language
from skinapi.privacy.inventory import Purpose
from skinapi.privacy.register.recipients import Recipient, RecipientName
from skinapi.privacy.register.service import Activity, Register
from skinapi.privacy.register.words import WORDS, RegisterWords
from skinapi.web.schemas import Answer


class LanguageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Language | None = Field(default=None, description="the caller's unless given")


class RegisterQuery(LanguageQuery):
    format: Literal["json", "html", "csv"] = "json"


class RetainedView(Answer):
    title: str
    until: str


class ActivityView(Answer):
    purpose: Purpose
    title: str
    text: str
    persons: list[str] = Field(description="whose data; empty where nobody can be found in it")
    kinds: list[str] = Field(description="which data of theirs")
    retention: list[RetainedView]

    @classmethod
    def of(cls, activity: Activity, words: RegisterWords) -> Self:
        named = words.purposes[activity.purpose]
        return cls(
            purpose=activity.purpose,
            title=named.title,
            text=named.text,
            persons=[words.persons[one] for one in activity.persons],
            kinds=[words.kinds[one] for one in activity.kinds],
            retention=[
                RetainedView(title=one.title, until=one.until) for one in activity.retention
            ],
        )


class RecipientView(Answer):
    name: RecipientName
    title: str
    text: str = Field(description="what is in it")
    on: bool = Field(description="whether anything goes there now")
    to: list[str] = Field(description="hosts, names of keys, or the day of the last backup")
    kinds: list[str] = Field(description="which data of persons")
    setting: str = Field(description="what switches it on")
    outside: bool = Field(description="may be outside of this machine and its private network")

    @classmethod
    def of(cls, recipient: Recipient, words: RegisterWords) -> Self:
        named = words.recipients[recipient.name]
        return cls(
            name=recipient.name,
            title=named.title,
            text=named.text,
            on=recipient.on,
            to=[*recipient.to],
            kinds=[words.kinds[one] for one in recipient.kinds],
            setting=recipient.setting,
            outside=recipient.outside,
        )


class RegisterView(Answer):
    """The register of processing, in words of one language."""

    language: Language
    made_at: datetime
    controller: str | None = Field(description="CLINIC_NAME; null where it is not set")
    contact: str | None = Field(description="PRIVACY_CONTACT; null where it is not set")
    address: str
    activities: list[ActivityView]
    recipients: list[RecipientView]
    measures: list[str]

    @classmethod
    def of(cls, register: Register) -> Self:
        words = WORDS[register.language]
        return cls(
            language=register.language,
            made_at=register.made_at,
            controller=register.controller,
            contact=register.contact,
            address=register.address,
            activities=[ActivityView.of(one, words) for one in register.activities],
            recipients=[RecipientView.of(one, words) for one in register.recipients],
            measures=[*register.measures],
        )
