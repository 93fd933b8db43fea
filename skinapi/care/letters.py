"""Only its doctor sees a draft. With the patient's consent, one language model may draft it and
another one reads what is to be signed.
"""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.consents import Consents, Purpose
from skinapi.base.errors import NotFound, SkinAPIError
from skinapi.base.languages import Language
from skinapi.base.logs import log, log_fault
from skinapi.care.lesions import LesionsService
from skinapi.care.letter_check import MarkedSentence, list_foreign, mark_sentences
from skinapi.care.letter_drafts import make_question, read_body
from skinapi.care.letter_reading import find_read, read_sentences
from skinapi.care.letter_texts import LetterFacts, say_decision, write_draft
from skinapi.findings.errors import (
    LetterSigned,
    LetterUnconfirmed,
    LetterUnreviewed,
    LetterWithdrawn,
)
from skinapi.findings.records.events import LetterIssued
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.letters import (
    Addressee,
    Letter,
    Letters,
    ShownLetter,
    Withdrawal,
    show_letter,
)
from skinapi.findings.records.spots import require_spot_version
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.records.unassigned_patients import Clinic
from skinapi.findings.reports.checker_records import Checker
from skinapi.findings.reports.openrouter import OpenRouterClient, Reading
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

T = TypeVar("T")
NOT_IN_CHARGE = "Only the doctor in charge can write or withdraw letters"
NO_LETTER = "There is no such letter"
NOT_SIGNED = "There is no such signed letter"
MOST_EARLIER = 10
# The version of the consent text that states what is sent for a letter, and to whom.
CONSENT: Purpose = "llm"
CONSENT_SINCE = 4
WAIT_S = 15.0  # that one letter may wait for the model, all attempts together


@dataclass(frozen=True, slots=True)
class Draft:
    """`marked` are the sentences that differ from the decision, and `unwritten` is why no language
    model has drafted it.
    """

    shown: ShownLetter
    marked: tuple[MarkedSentence, ...] = ()
    spot_version: int | None = None
    unwritten: Unwritten | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedDraft:
    """`confirmed` are marked sentences that the doctor keeps."""

    text: str
    version: int
    spot_version: int | None = None
    confirmed: Collection[str] = ()


class _Held(NamedTuple):
    letter: Letter
    finding: StoredFinding
    owner: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersService:
    work: UnitOfWork
    letters: Letters
    findings: FindingAccess
    lesions: LesionsService
    outbox: Outbox
    consents: Consents
    clinic: Clinic
    llm: OpenRouterClient | None
    checker: Checker | None

    def draft_letter(
        self,
        *,
        number: str,
        by: Subject,
        reader: Addressee,
        language: Language | None,
        key_words: str = "",
    ) -> Draft:
        """Raise NotFound, Forbidden or TooManyLetters."""
        finding, owner = self._get_in_care(number, by)
        spoken = language or (owner.language if reader == "patient" else finding.language)
        self.letters.refuse_more(finding.id, by.id)
        about = self._facts_of(finding, owner, by)
        # Outside the transaction, because a language model may take seconds.
        written = self._ask(about, owner, reader, spoken, key_words)
        draft = self._add_draft(number, by, reader, spoken, key_words, written)
        letter = draft.shown.letter
        if not self._read(letter.id, letter.text, by):
            return draft
        read = self._show(self.letters.find(letter.id) or letter, about, owner)
        return replace(read, unwritten=draft.unwritten)

    @atomic
    def _add_draft(
        self,
        unit: Unit,
        number: str,
        by: Subject,
        reader: Addressee,
        language: Language,
        key_words: str,
        written: Reading[tuple[str, ...]] | Unwritten,
    ) -> Draft:
        finding, owner = self._get_in_care(number, by)
        unit.audit("letter.draft", by=by.id, target=finding.id, owner=finding.owner)
        self.findings.rely_on(finding)
        about = self._facts_of(finding, owner, by)
        failed = written if isinstance(written, Unwritten) else None
        drafted = None if isinstance(written, Unwritten) else written
        letter = self.letters.add(
            finding=finding.id,
            doctor=by.id,
            reader=reader,
            language=language,
            decision=say_decision(about, reader, language),
            spot_version=finding.spot.version,
            text=write_draft(about, reader, language, key_words, drafted.answer if drafted else ()),
            key_words=key_words,
            model=drafted.model if drafted else None,
        )
        return replace(self._show(letter, about, owner), unwritten=failed)

    def _ask(
        self,
        about: LetterFacts,
        owner: Account,
        reader: Addressee,
        language: Language,
        key_words: str,
    ) -> Reading[tuple[str, ...]] | Unwritten:
        llm, unasked = self.llm, self._why_unasked(about, owner)
        if unasked or llm is None:
            return unasked or Unwritten.NO_KEY
        question = make_question(about, reader, language, key_words)
        deadline = time.monotonic() + WAIT_S
        return _try_to(
            "draft", lambda: llm.ask(question, read_body, deadline=deadline, account=owner.id)
        )

    def _read(self, letter: str, text: str, by: Subject) -> bool:
        """Call it outside a transaction, because it may take seconds."""
        with suppress(SkinAPIError):
            draft, finding, owner = self._get(letter, by, NO_LETTER, lambda it: it.doctor == by.id)
            about = self._facts_of(finding, owner, by)
            decided = about.decided(draft)
            checker, unasked = self.checker, self._why_unasked(about, owner)
            if checker is None or decided is None or unasked or draft.signed_at:
                return False
            sentences = list_foreign(text, decided)
            read = _try_to(
                "read", lambda: read_sentences(checker, sentences, draft, about, owner.id)
            )
            if not isinstance(read, Unwritten) and read != draft.read:
                self.letters.keep_read(draft.id, read)
                return True
        return False

    def _why_unasked(self, about: LetterFacts, owner: Account) -> Unwritten | None:
        if self.llm is None:
            return Unwritten.NO_KEY
        agreed = self.consents.find_latest(owner.id).get(CONSENT)
        if agreed is None or not agreed.given or (agreed.version or 0) < CONSENT_SINCE:
            return Unwritten.NO_CONSENT
        return None if about.decision else Unwritten.NOTHING_TO_EXPLAIN

    def _show(self, letter: Letter, about: LetterFacts, owner: Account) -> Draft:
        """Show the draft as if it were signed now. An unchanged text of ours is drafted again."""
        reader, language = letter.reader, letter.language
        ours = letter.version == 1 and not letter.model
        text = write_draft(about, reader, language, letter.key_words) if ours else letter.text
        decided = say_decision(about, reader, language)
        return Draft(
            ShownLetter(letter.model_copy(update={"text": text, "decision": decided})),
            _mark(text, about, letter),
            about.finding.spot.version,
            None if letter.model else self._why_unasked(about, owner) or Unwritten.NOT_ASKED,
        )

    def list_letters(self, *, number: str, to: Subject) -> list[Draft]:
        finding, owner = self.findings.get(number=number, to=to)
        letters = [
            item
            for item in self.letters.list_of(finding.id)
            if item.signed_at or item.doctor == to.id
        ]
        if not letters:
            return []
        drafts = not all(letter.signed_at for letter in letters)
        about = self._facts_of(finding, owner, to) if drafts else None
        return [
            self._show(letter, about, owner)
            if about and not letter.signed_at
            else Draft(show_letter(letter, finding))
            for letter in letters
        ]

    def list_of_spot(self, *, lesion: str, to: Subject) -> list[ShownLetter]:
        course = {item.id: item for item in self.lesions.list_course(lesion=lesion, to=to)}
        letters = self.letters.list_signed_of([*course])
        shown = [show_letter(letter, course[letter.submission]) for letter in letters]
        return sorted(shown, key=lambda item: item.letter.id)

    def change_letter(self, *, letter: str, edited: EditedDraft, by: Subject) -> Draft:
        self._read(letter, edited.text, by)
        return self._change_letter(letter, edited, by)

    @atomic
    def _change_letter(self, unit: Unit, letter: str, edited: EditedDraft, by: Subject) -> Draft:
        draft, finding, owner = self._hold_draft(unit, "letter.change", letter, by)
        about = self._facts_of(finding, owner, by)
        _require_current(draft, finding, edited)
        decided = say_decision(about, draft.reader, draft.language)
        stored = {
            "text": edited.text,
            "decision": decided,
            "spot_version": finding.spot.version,
            "redecided": draft.redecided or draft.decision != decided,
        }
        return self._show(self.letters.change_draft(letter, edited.version, stored), about, owner)

    def sign_letter(self, *, letter: str, edited: EditedDraft, by: Subject) -> ShownLetter:
        self._read(letter, edited.text, by)
        return self._sign_letter(letter, edited, by)

    @atomic
    def _sign_letter(
        self, unit: Unit, letter: str, edited: EditedDraft, by: Subject
    ) -> ShownLetter:
        draft, finding, owner = self._hold_draft(unit, "letter.sign", letter, by)
        _require_current(draft, finding, edited)
        if finding.decision is None:
            raise LetterUnreviewed
        about = self._facts_of(finding, owner, by)
        marked = {item.sentence for item in _mark(edited.text, about, draft)}
        if not marked.issubset(edited.confirmed):
            raise LetterUnconfirmed
        signed = {
            "text": edited.text,
            "decision": say_decision(about, draft.reader, draft.language),
            "signed_at": now(),
            "signature": by.account.name,
            "spot_version": finding.spot.version,
            "key_words": "",
            "read": [],
        }
        issued = self.letters.change_draft(letter, edited.version, signed)
        if draft.reader == "patient":
            self.outbox.add(Kind.NEWS, to=owner.id, about=f"finding/{finding.number}")
        self.findings.records.note_change(finding.id)
        unit.publish(LetterIssued(finding, issued))
        return ShownLetter(issued)

    @atomic
    def withdraw_letter(self, unit: Unit, *, letter: str, reason: str, by: Subject) -> ShownLetter:
        """The same again changes nothing."""
        signed, finding, _ = self._get(
            letter, by, NOT_SIGNED, lambda item: item.signed_at is not None
        )
        if signed.withdrawn:
            if signed.withdrawn.reason != reason:
                raise LetterWithdrawn
            return show_letter(signed, finding)
        unit.audit("letter.withdraw", by=by.id, target=finding.id, owner=finding.owner)
        self.findings.rely_on(finding)
        self.findings.records.note_change(finding.id)
        self.outbox.add(Kind.NEWS, to=finding.owner, about=f"finding/{finding.number}")
        unit.publish(LetterIssued(finding, signed, withdrawn=True))
        withdrawal = Withdrawal(withdrawn_at=now(), withdrawn_by=by.account.name, reason=reason)
        return show_letter(self.letters.withdraw(letter, withdrawal), finding)

    @atomic
    def delete_draft(self, unit: Unit, *, letter: str, by: Subject) -> None:
        self._hold_draft(unit, "letter.delete", letter, by)
        self.letters.remove_draft(letter)

    def _facts_of(self, finding: StoredFinding, owner: Account, doctor: Subject) -> LetterFacts:
        decision = finding.decision
        spot_place = self.lesions.find(lesion=finding.lesion, to=doctor).place
        course = self.lesions.list_course(lesion=finding.lesion, to=doctor)
        earlier = [item for item in course if item.created_at < finding.created_at]
        return LetterFacts(
            finding=finding,
            patient=owner.name,
            doctor=doctor.account.name,
            spot_place=spot_place,
            earlier=sorted(earlier, key=lambda item: item.created_at)[-MOST_EARLIER:],
            phone=self.clinic.phone,
            unseen=decision is not None and (decision.doctor != doctor.id or not decision.covers),
        )

    def _hold_draft(self, unit: Unit, action: str, letter: str, by: Subject) -> _Held:
        draft = self._get(letter, by, NO_LETTER, lambda item: item.doctor == by.id)
        if draft.letter.signed_at:
            raise LetterSigned
        unit.audit(action, by=by.id, target=draft.finding.id, owner=draft.finding.owner)
        self.findings.rely_on(draft.finding)
        return draft

    def _get(
        self, identifier: str, by: Subject, missing: str, belongs: Callable[[Letter], bool]
    ) -> _Held:
        letter = self.letters.find(identifier)
        finding = self.findings.records.find(letter.submission) if letter else None
        if letter is None or finding is None or not belongs(letter):
            raise NotFound(missing)
        return _Held(letter, *self._get_in_care(str(finding.number), by))

    def _get_in_care(self, number: str, doctor: Subject) -> tuple[StoredFinding, Account]:
        return self.findings.get_in_charge(number=number, by=doctor, refusal=NOT_IN_CHARGE)


def _try_to(what: str, ask: Callable[[], T]) -> T | Unwritten:
    try:
        return ask()
    except NarrativeUnavailable as unwritten:
        reason = unwritten.reason
    except Exception as fault:  # noqa: BLE001 (no fault of a model may cost the draft)
        log_fault(fault)
        reason = Unwritten.FAULT
    log.warning("an LLM did not do its part in a letter", part=what, reason=reason)
    return reason


def _require_current(draft: Letter, about: StoredFinding, edited: EditedDraft) -> None:
    seen = draft.spot_version if edited.spot_version is None else edited.spot_version
    require_spot_version(about.spot, seen)


def _mark(text: str, about: LetterFacts, letter: Letter) -> tuple[MarkedSentence, ...]:
    decided = about.decided(letter)
    if decided is None:
        return ()
    read = find_read(list_foreign(text, decided), letter, about)
    return mark_sentences(text, decided, letter.language, read)
