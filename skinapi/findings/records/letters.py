"""What a doctor writes about a finding. A draft is its doctor's alone. A signed letter never
changes; it can be withdrawn, and a later decision may take its place.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, Self, get_args

from pydantic import Field

from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.base.values import Value
from skinapi.findings.errors import LetterChanged, TooManyLetters
from skinapi.findings.records.stored_finding import PLACE, StoredFinding, place_of
from skinapi.findings.records.visible_findings import VisibleFinding, VisibleFindingRow
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.lesion_status import Advice, AdviceSource
from skinapi.findings.status.reviews import Review
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.model.context import (
    TWO_SIDED,
    AgeBand,
    BodySide,
    BodySite,
    Context,
    Laterality,
    Sex,
)
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

# All of a finding are read with its report.
MOST_LETTERS = 20
LONGEST_LETTER = 5000
Addressee = Literal["patient", "colleague"]
ADDRESSEES: tuple[Addressee, ...] = get_args(Addressee)


class Withdrawal(StoredRecord):
    withdrawn_at: datetime
    withdrawn_by: str
    reason: str


class WrittenOf(StoredRecord):
    """What a letter states or relies on, as it was then: the version of the finding, the review
    that it explains, and what was told of the person and the spot. `place` is that of the spot:
    site, laterality and side; None where the finding is in none, or what the letter begins with was
    told of another place.
    """

    version: int
    review: str | None = None
    place: tuple[str | None, ...] | None = None
    age_band: AgeBand | None = None
    sex: Sex | None = None
    body_site: BodySite | None = None
    body_laterality: Laterality | None = None
    body_side: BodySide | None = None
    checklist: tuple[str, ...] | None = None

    @property
    def said_place(self) -> dict[str, str | None]:
        """Where the letter says that the photo is: what was told of it, else where its spot is."""
        site, sided, side = place_of([getattr(self, name) for name in PLACE], self.place)
        return dict(zip(PLACE, (site, sided, side if site in TWO_SIDED else None), strict=True))

    def make_token(self, decision: str) -> str:
        """Make what stands for all of it and the decision that the letter begins with: another one
        as soon as anything differs.
        """
        return hashlib.sha256((self.model_dump_json() + decision).encode()).hexdigest()[:32]


class ReadSentence(StoredRecord):
    """What a language model says of a sentence of a draft. `key` stands for the sentence and for
    all that it was compared with.
    """

    key: str
    says: Literal["agrees", "contradicts", "adds"]
    why: str = ""

    @property
    def agrees(self) -> bool:
        return self.says == "agrees"


class BeginsWith(StoredRecord):
    """What a letter begins with where that was said about another finding of the spot."""

    band: Band
    waits_for: WaitsFor | None = None
    by_result: bool = False
    label: str | None = None

    @classmethod
    def of_advice(cls, advice: Advice) -> Self:
        return cls.model_validate({name: getattr(advice, name) for name in cls.model_fields})


TOLD = tuple(name for name in WrittenOf.model_fields if name in Context.model_fields)


def find_changed(of: WrittenOf, now: WrittenOf) -> tuple[str, ...]:
    """Name what says something else now than a letter was written of: the `version` of the finding,
    the `place` of its spot, a fact that was told, or that its spot said of the photo's place. What
    was not said then contradicts nothing.
    """
    said = of.said_place

    def differs(name: str) -> bool:
        before, told = getattr(of, name), getattr(now, name)
        return before not in (None, told) or told not in (None, said.get(name) or told)

    return tuple(name for name in ("version", "place", *TOLD) if differs(name))


class Letter(StoredRecord):
    """`signature` is the doctor's name at that time. `decision` is what it begins with, in the
    software's words, a line each; `model` the language model that drafted the text. `last_review`
    is the finding's newest review when it was signed; `begins` what it begins with where that was
    said about another finding of the spot. Of letters from before that was stored, `elsewhere` is
    the urgency of it. `written_of` and `decision` are those of a draft's last text; the first is
    None of letters before it was stored (`find_written_of`). A draft has the doctor's `key_words`
    and what was `read` of it; empty of those before either was stored. It is `redecided` where its
    text was stored under another decision than the text before; not of those before that was
    stored. Since `misplaced_at` its spot is at another place than a signed letter was written of.
    """

    id: str
    created_at: datetime
    submission: str
    doctor: str
    reader: Addressee
    language: Language
    decision: str = ""
    text: str
    model: str | None = optional()
    version: int = 1
    signed_at: datetime | None = None
    signature: str | None = None
    last_review: str | None = None
    elsewhere: Band | None = None
    begins: BeginsWith | None = optional()
    written_of: WrittenOf | None = optional()
    key_words: str = optional(default="")
    read: tuple[ReadSentence, ...] = optional(default=())
    redecided: bool = optional(default=False)
    withdrawn: Withdrawal | None = None
    misplaced_at: datetime | None = optional()

    @property
    def begins_elsewhere(self) -> bool:
        return self.begins is not None or self.elsewhere is not None

    def begins_with(self, counts: Advice) -> bool:
        if self.begins:
            return self.begins == BeginsWith.of_advice(counts)
        return self.elsewhere is counts.band


class Letters(Repository[Letter]):
    collection, record = "letters", Letter
    indexes = (("submission", "id"), ("doctor", "id"))

    def add(self, *, finding: str, doctor: str, **fields: Any) -> Letter:
        self.refuse_more(finding, doctor)
        return self.insert(
            Letter(id=new_id(), created_at=now(), submission=finding, doctor=doctor, **fields)
        )

    def refuse_more(self, finding: str, doctor: str) -> None:
        """Drafts of others do not count: this doctor cannot delete them."""
        letters = self.list_of(finding)
        if (
            sum(item.signed_at is not None or item.doctor == doctor for item in letters)
            >= MOST_LETTERS
        ):
            raise TooManyLetters

    def list_of(self, finding: str) -> list[Letter]:
        """List the letters of a finding, drafts too, the oldest first."""
        return self._list({"submission": finding})

    def list_signed_of(self, findings: Sequence[str]) -> list[Letter]:
        """The letters stand by finding, the oldest first."""
        wanted: Filter = {"submission": {"$in": [*findings]}}
        return [item for item in self._list(wanted, sort="submission") if item.signed_at]

    def list_signed(self, finding: str) -> tuple[Letter, ...]:
        return tuple(letter for letter in self.list_of(finding) if letter.signed_at)

    def change_draft(self, identifier: str, version: int, fields: Document) -> Letter:
        changed = self._documents.update(
            {"id": identifier, "version": version},
            {"$set": fields, "$inc": {"version": 1}},
        )
        if changed is None:
            raise LetterChanged
        return Letter.model_validate(changed)

    def keep_read(self, identifier: str, read: Sequence[ReadSentence]) -> None:
        """It is not the draft's text, and so no other version."""
        self._documents.update(
            {"id": identifier, "signed_at": None},
            {"$set": {"read": [item.stored() for item in read]}},
        )

    def withdraw(self, identifier: str, withdrawal: Withdrawal) -> Letter:
        """Call it in a transaction that has read the letter as signed and not withdrawn."""
        fields: Document = {"withdrawn": withdrawal.stored()}
        return Letter.model_validate(self._documents.update({"id": identifier}, {"$set": fields}))

    def note_place(self, findings: Sequence[str], place: tuple[str | None, ...]) -> set[str]:
        """Call it in the transaction in which the spot of these findings gets this place, or they
        come to a spot there. Return the findings of the signed letters that name another one now.
        """
        misplaced = set[str]()
        for letter in self.list_signed_of(findings):
            written = letter.written_of and letter.written_of.place
            differs = written is not None and written != place
            if differs is not (letter.misplaced_at is not None):
                self._set_misplaced(letter, differs)
                misplaced |= {letter.submission} if differs and not letter.withdrawn else set()
        return misplaced

    def note_other_place(self, findings: Sequence[str]) -> set[str]:
        """The finding with which signed letters about these begin was told to be of another place
        than before. Return the findings of these letters.
        """
        begun = [item for item in self.list_signed_of(findings) if item.begins_elsewhere]
        for letter in begun:
            self._set_misplaced(letter, True)
        return {letter.submission for letter in begun if not letter.withdrawn}

    def _set_misplaced(self, letter: Letter, differs: bool) -> None:
        since = {"misplaced_at": now() if differs else None}
        self._documents.update({"id": letter.id}, set_or_remove(since))

    def remove_draft(self, identifier: str) -> None:
        self._documents.delete({"id": identifier, "signed_at": None})

    def forget(self, finding: str) -> None:
        self._documents.delete({"submission": finding})

    def forget_drafts(self, doctor: str) -> None:
        self._documents.delete({"doctor": doctor, "signed_at": None})

    def check_integrity(self, has_finding: Callable[[str], bool]) -> Iterator[Fault]:
        """Report letters of deleted findings, as a restore by hand leaves them."""
        for finding in self._gone("submission", has_finding):
            text = f"letters of submission {finding}, which is gone"
            yield Fault(text, partial(self.forget, finding), gone=finding)


class LaterDecision(Value):
    """What counts instead of a letter."""

    decided_at: datetime = Field(
        description="when it was said, which may be before the letter was signed; `because` of "
        "`sorting`, when the finding was changed last"
    )
    decided_by: str = Field(
        description="the doctor's name at that time; empty of a finding that no doctor has answered"
    )
    by_result: bool = Field(description="whether it is by the laboratory's result")
    by_finding: int | None = optional(
        "the number of the finding, or of another of the spot, whose model's answer asks for more "
        "and which no doctor has answered since; absent where a doctor has decided"
    )
    because: Literal["comparison", "sorting"] | None = optional(
        "`comparison`: not the model's answer asks for more, but a comparison of `by_finding` with "
        "an earlier photo; `sorting`: the letter begins with what was said of another photo, which "
        "was sorted or decided otherwise, or deleted, since; else absent"
    )
    corrected: tuple[str, ...] = optional(
        "the fields of `context` of which it was written and that were corrected at `decided_at`, "
        "or the `place` of its spot, while the decision stayed; absent where a decision or finding "
        "counts instead",
        default=(),
    )


@dataclass(frozen=True, slots=True)
class ShownLetter:
    letter: Letter
    superseded: LaterDecision | None = None


def write_of(
    about: StoredFinding,
    *,
    review: str | None,
    place: tuple[str | None, ...] | None,
) -> WrittenOf:
    told = {name: getattr(about.context, name) for name in TOLD}
    return WrittenOf(version=about.version, review=review, place=place, **told)


def find_written_of(letter: Letter, about: StoredFinding) -> WrittenOf:
    """Find what the finding said when a letter that does not say it was signed, or drafted."""
    if letter.written_of:
        return letter.written_of
    return write_of(
        about.as_told_at(letter.signed_at or letter.created_at), review=None, place=None
    )


def show_letter(letter: Letter, about: VisibleFinding) -> ShownLetter:
    """Judge a letter against what holds now: by what was decided and told when it was signed and
    what is now, never by its words. So a letter by hand is superseded too.
    """
    return ShownLetter(
        letter,
        _superseded_here(letter, about)
        or _superseded_elsewhere(letter, about)
        or _superseded_by_finding(letter, about)
        or _superseded_without_other(letter, about)
        or _superseded_by_facts(letter, about)
        or _superseded_by_place(letter),
    )


def _superseded_elsewhere(letter: Letter, about: VisibleFindingRow) -> LaterDecision | None:
    """Find what counts of the spot instead, or has ended the finding's own decision. A letter says
    nothing of an older photo that was sorted into the spot since.
    """
    own, signed_at, advice = about.decision, letter.signed_at, about.instruction.counts
    if own is None or signed_at is None or letter.begins_with(advice):
        return None
    status, other = about.lesion_status, about.replaced_by or letter.begins_elsewhere
    # By the review, for one copy of a decision may know that the photo came which it asks for.
    counts = advice.decision.review if other and advice.decision else None
    replacing = status.list_replacing(about.id)
    ended = {item.review for item in replacing if _says_other(item, own)}
    later = [
        decision
        for decision in status.list_decided_elsewhere(about.id, replaced=False)
        if decision.review in {counts, *ended}
        if decision.decided_at > signed_at or decision.review == counts
    ]
    by = max(later, key=lambda item: (item.review == counts, item.decided_at), default=None)
    return _by(by) if by else None


def _by(decision: Decision) -> LaterDecision:
    return LaterDecision(
        decided_at=decision.decided_at, decided_by=decision.decided_by, by_result=decision.proven
    )


def _superseded_by_finding(letter: Letter, about: VisibleFindingRow) -> LaterDecision | None:
    """What no doctor has answered yet takes a letter back only where it is more urgent, or asks for
    a visit where the letter waits for a result or a photo.
    """
    own, counts = about.decision, about.instruction.counts
    if own is None or letter.signed_at is None or counts.said_by is AdviceSource.DECISION:
        return None
    known = counts.since <= letter.signed_at and letter.begins_with(counts)
    visit = own.waits_for is not None and counts.waits_for is None
    if known or not (visit or urgency(counts.band) < urgency(own.urgency)):
        return None
    compared = counts.said_by is AdviceSource.COMPARISON
    return LaterDecision(
        decided_at=counts.since,
        decided_by="",
        by_result=False,
        by_finding=counts.finding,
        because="comparison" if compared else None,
    )


def _superseded_without_other(letter: Letter, about: VisibleFinding) -> LaterDecision | None:
    """It begins with what was said of another finding of the spot, which counts here no more: that
    was entered in error, deleted or sorted elsewhere.
    """
    counts = about.instruction.counts
    if not letter.begins_elsewhere or letter.begins_with(counts) or about.replaced_by:
        return None
    return LaterDecision(
        decided_at=about.changed_at, decided_by="", by_result=False, because="sorting"
    )


def _superseded_by_facts(letter: Letter, about: VisibleFinding) -> LaterDecision | None:
    """The decision holds for the photo as it was judged since; what was told does not."""
    of = find_written_of(letter, about)
    now = write_of(about, review=of.review, place=of.place)
    changed = tuple(name for name in find_changed(of, now) if name in TOLD)
    if not changed:
        return None
    return LaterDecision(
        decided_at=about.find_told_at(changed),
        decided_by="",
        by_result=False,
        corrected=changed,
    )


def _superseded_by_place(letter: Letter) -> LaterDecision | None:
    if letter.misplaced_at is None:
        return None
    return LaterDecision(
        decided_at=letter.misplaced_at, decided_by="", by_result=False, corrected=("place",)
    )


def _superseded_here(letter: Letter, about: VisibleFindingRow) -> LaterDecision | None:
    counted = about.status.reviews
    later = [review for review in counted if _is_later(review, letter)]
    decision = about.decision
    if decision is None or not later:
        return None
    before = Decision.from_reviews(counted[: -len(later)], about.photo.versions)
    if _says_no_less(decision, before, about):
        return None
    replaced, counts = about.status.ended_by, about.instruction.counts
    other = (about.replaced_by or replaced) and not letter.begins_with(counts)
    if by_other := (counts.decision if other else None) or replaced:
        return _by(by_other)
    # Where somebody took a review back, the one that counts may be older than the letter.
    by = next((item for item in later if item.id == decision.review), later[-1])
    by_result = by.opinion.proven
    return LaterDecision(decided_at=by.created_at, decided_by=by.signature, by_result=by_result)


def _says_no_less(now: Decision, before: Decision | None, about: VisibleFindingRow) -> bool:
    """Whether what was written by `before`, or by the finding alone, holds by `now` too. It does
    not once the laboratory has said what it is, or something else is waited for.
    """
    if now.proven and not (before and before.proven):
        return False
    if before is None:
        return (now.label, now.urgency) == (about.finding.stated, about.band)
    same = _asked(now) == _asked(before)
    return same and (now.sure or not before.sure)


def _asked(decision: Decision) -> tuple[object, ...]:
    return decision.label, decision.urgency, decision.waits_for


def _says_other(later: Decision, own: Decision) -> bool:
    said = own.label, own.urgency, own.proven
    return (later.label, later.urgency, later.proven) != said


def _is_later(review: Review, letter: Letter) -> bool:
    # By ids: the clocks of two servers may differ.
    return letter.last_review is not None and review.id > letter.last_review
