"""The use cases of consents: give, renew and withdraw them, and read what they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.consents import (
    PURPOSES,
    ConsentGiven,
    Consents,
    ConsentText,
    Purpose,
    latest_of,
    list_consent_texts,
    newest_text,
)
from skinapi.accounts.auth.errors import ConsentTextChanged, PhotosStillKept
from skinapi.accounts.auth.events import ConsentWithdrawn, KeptPhotosUnwanted
from skinapi.base.languages import Language
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

SHOWN_CHANGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """A consent as it is: `given` is None where it was never asked. `agreed` is the text that was
    shown when it was given, `since` when; None where nobody noted that. `ask_again`: it was given
    under another text than the newest one, or one that nobody knows; it still stands.
    """

    purpose: Purpose
    given: bool | None
    since: datetime | None
    agreed: ConsentText | None
    newest: ConsentText

    @property
    def ask_again(self) -> bool:
        return self.given is True and self.agreed != self.newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConsents:
    """The state of each consent, and the newest changes, the oldest first."""

    states: list[ConsentState]
    history: list[ConsentGiven]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedConsents:
    """What a person changes. `texts`: the versions of the texts that were shown, in `language`;
    empty where the client does not say. `erase_kept`: the photos that are kept are deleted.
    """

    given: Mapping[Purpose, bool]
    texts: Mapping[Purpose, int] = field(default_factory=dict)
    language: Language | None = None
    erase_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentsService:
    work: UnitOfWork
    accounts: Accounts
    consents: Consents

    def show(self, account: Account) -> ShownConsents:
        history = self.consents.history_of(account.id)
        latest = latest_of(history)
        states = [_state_of(purpose, account, latest.get(purpose)) for purpose in PURPOSES]
        return ShownConsents(states=states, history=history[-SHOWN_CHANGES:])

    @atomic
    def change(self, unit: Unit, *, account_id: str, changed: ChangedConsents) -> None:
        """Change the given consents, and keep the others. A consent that stands is renewed where
        the client names its newest text. What was withdrawn acts at once: see who listens to
        ConsentWithdrawn. Where nothing changes, nothing is written.

        Raises ConsentTextChanged where another text was shown than the newest, PhotosStillKept
        where kept photos are to be erased, and new ones are still to be kept; and PhotosKeptByLaw
        where a doctor must keep them: then nothing is changed.
        """
        account = self.accounts.get(account_id)
        _refuse_old_texts(changed)
        keeps = changed.given.get("photos", account.consents.get("photos"))
        if changed.erase_kept and keeps is not False:
            raise PhotosStillKept
        due = self._find_due(account, changed)
        if due:
            self._set(unit, account, due, changed)
        if changed.erase_kept:
            # A photo that is kept at the same moment is seen, or waits.
            self.accounts.hold(account.id)
            unit.record(AuditRow("account.photos_erased", by=account.id, target=account.id))
            unit.publish(KeptPhotosUnwanted(account.id))

    def _find_due(self, account: Account, changed: ChangedConsents) -> dict[Purpose, bool]:
        """What is not so already, and what stands and is renewed."""
        latest = self.consents.find_latest(account.id) if changed.texts else {}
        due: dict[Purpose, bool] = {}
        for purpose, allowed in changed.given.items():
            before, shown = latest.get(purpose), changed.texts.get(purpose)
            renewed = allowed and shown is not None and (before is None or before.version != shown)
            if account.consents.get(purpose) is not allowed or renewed:
                due[purpose] = allowed
        return due

    def _set(
        self, unit: Unit, account: Account, due: Mapping[Purpose, bool], changed: ChangedConsents
    ) -> None:
        unit.audit("account.consents", by=account.id, target=account.id)
        self.accounts.hold(account.id)  # of two at once the second sees what the first has noted
        self.accounts.change(unit, account, consents=dict(account.consents) | {**due})
        for purpose, allowed in due.items():
            version = changed.texts.get(purpose)
            self.consents.add(
                account=account.id,
                purpose=purpose,
                given=allowed,
                by=account.id,
                way="client" if version is None else "console",
                version=version,
                language=None if version is None else changed.language,
            )
            if not allowed:
                unit.publish(ConsentWithdrawn(account.id, purpose))


def _refuse_old_texts(changed: ChangedConsents) -> None:
    """Who agrees is to have read the text that counts. A withdrawal needs no text."""
    for purpose, version in changed.texts.items():
        if changed.given.get(purpose) and version != newest_text(purpose).version:
            raise ConsentTextChanged


def _state_of(purpose: Purpose, account: Account, last: ConsentGiven | None) -> ConsentState:
    texts = {one.version: one for one in list_consent_texts()[purpose]}
    return ConsentState(
        purpose=purpose,
        given=account.consents.get(purpose),
        since=last.created_at if last else None,
        agreed=texts.get(last.version) if last and last.version and last.given else None,
        newest=newest_text(purpose),
    )
