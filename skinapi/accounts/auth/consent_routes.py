"""The routes by which a person reads, gives and withdraws consents; what crosses the wire."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.consent_service import (
    ChangedConsents,
    ConsentsService,
    ConsentState,
    ShownConsents,
)
from skinapi.accounts.auth.consents import PURPOSES, ConsentGiven, Purpose
from skinapi.accounts.auth.errors import ConsentTextChanged, PhotosStillKept
from skinapi.base.languages import Language
from skinapi.base.subject import Subject
from skinapi.platform.web.declaration import Routes, Signed
from skinapi.platform.web.schemas import Answer, Body, Message

routes: Routes[ConsentsService] = Routes("consents", access=Signed())


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
        "the LLM that puts reports into words",
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


class ConsentsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lang: Language | None = Field(
        default=None, description="of the texts; that of the account unless given"
    )


class ConsentTextView(Answer):
    version: int
    title: str
    text: str


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
        description="whether it was given under another text than the newest one; it still stands"
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
    def of(cls, change: ConsentGiven) -> Self:
        fields = change.model_dump(include={"purpose", "given", "version", "language", "way"})
        return cls(**fields, at=change.created_at, by_oneself=change.by == change.account)


class ConsentsView(Answer):
    consents: list[ConsentView]
    history: list[ConsentChangeView] = Field(description="the newest 100, the newest first")

    @classmethod
    def of(cls, shown: ShownConsents, language: Language) -> Self:
        return cls(
            consents=[_view_of(state, language) for state in shown.states],
            history=[ConsentChangeView.of(one) for one in reversed(shown.history)],
        )


def _view_of(state: ConsentState, language: Language) -> ConsentView:
    def say(text: Any) -> ConsentTextView:
        return ConsentTextView(
            version=text.version,
            title=text.title.in_language(language),
            text=text.text.in_language(language),
        )

    other = state.agreed if state.agreed and state.agreed != state.newest else None
    return ConsentView(
        purpose=state.purpose,
        given=state.given,
        since=state.since,
        version=state.agreed.version if state.agreed else None,
        ask_again=state.ask_again,
        newest=say(state.newest),
        agreed=say(other) if other else None,
    )


@routes.route("GET", "/me/consents")
def show_consents(
    consents: ConsentsService, *, query: ConsentsQuery, subject: Subject
) -> ConsentsView:
    """Get what one may consent to, with the texts, what one has said of each, and each change.

    A consent that was given under an earlier text still stands; `ask_again` says that the text is
    another one now.
    """
    account: Account = subject.account
    return ConsentsView.of(consents.show(account), query.lang or account.language)


@routes.route("PUT", "/me/consents", raises=(ConsentTextChanged, PhotosStillKept))
def set_consents(consents: ConsentsService, *, body: Consents, subject: Subject) -> Message:
    """Set the consents: whether photos may be kept, whether figures may be sent to an LLM, whether
    kept photos may teach a model, and whether a colleague may be asked for a second opinion.

    They apply from now on. A single request may say otherwise for itself about its photo. Without
    `training`, copies of photos in data sets are erased; without `sharing`, requests for a second
    opinion are withdrawn. Kept photos are deleted with `erase_kept` alone, unless a doctor must
    keep them by law (409 `photos_kept_by_law`; `record_in_work` while a doctor has one in work):
    then nothing changes.
    """
    changed = ChangedConsents(
        given={
            purpose: answer
            for purpose in PURPOSES
            if (answer := getattr(body, purpose)) is not None
        },
        texts={
            purpose: answer
            for purpose in PURPOSES
            if (answer := getattr(body.texts, purpose, None))
        },
        language=body.language,
        erase_kept=body.erase_kept,
    )
    consents.change(account_id=subject.id, changed=changed)
    return Message(message="Consents changed")
