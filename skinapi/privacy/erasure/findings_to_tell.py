"""What of a finding its owner is still to be told, where the owner leaves or cannot log in: why
somebody should speak to the owner, the gravest reason first.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.visible_findings import VisibleFindingRow
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.spot import names_cancer
from skinapi.model.bands import is_sent, most_urgent, urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import made_at
from skinapi.platform.storage.ports import Document


class ReachReason(StrEnum):
    """Why somebody should speak to the owner of a finding, the gravest reason first.

    - `unreviewed`: it is urgent or asks for a referral, and nobody has reviewed it, or its newest
      version
    - `unjudged`: it is as urgent, and a doctor could not judge its photo, nor another one since
    - `unreadable`: what is stored of it, or what counts about its spot, cannot be read
    - `awaited`: the result of a sample has not come
    - `unopened`: a doctor asks for a visit or names a cancer, and the owner has not read it; or a
      doctor has decided since somebody was to speak to the owner
    - `discarded`: a doctor names a cancer and asks for a visit, and the owner, who has read it, has
      deleted the finding
    - `counts`: a doctor's decision that the owner has read goes on counting of the spot, and of a
      milder one somebody is to speak
    - `unanswered`: no doctor has answered the owner's message, or the owner has not read one of a
      doctor; it is about its spot or about none
    - `message`: the same of a message that is about no finding that is there
    - `lost`: the backup that was restored is from before it was so
    """

    UNREVIEWED = "unreviewed"
    UNJUDGED = "unjudged"
    UNREADABLE = "unreadable"
    AWAITED = "awaited"
    UNOPENED = "unopened"
    DISCARDED = "discarded"
    COUNTS = "counts"
    UNANSWERED = "unanswered"
    MESSAGE = "message"
    LOST = "lost"


class FindingToTell(StoredRecord):
    """`label` is the doctor's; `urgency` too, unless what nobody has reviewed asks for more.
    `proven`: by the laboratory. `sampled_by` is the doctor who has taken a sample of which a result
    is awaited. Where not even the number can be read, it is 0; an urgency that cannot be is the
    highest. Of one that is lost no more than the number is known. A message about no finding has
    the number 0, and no urgency. `also`: the reasons beside the gravest.
    """

    number: int
    found_at: datetime | None
    why: ReachReason
    also: tuple[ReachReason, ...] = ()
    label: str | None
    urgency: Band | None
    proven: bool = False
    sampled_by: str | None = None


def tell_lost(number: int) -> FindingToTell:
    return tell_nothing_but(ReachReason.LOST, number=number, urgency=Band.URGENT_REFERRAL)


def tell_nothing_but(why: ReachReason, *, number: int, urgency: Band | None) -> FindingToTell:
    return FindingToTell(number=number, found_at=None, why=why, label=None, urgency=urgency)


def tell_unread(stored: Document) -> FindingToTell:
    """Tell of one that cannot be read what stands beside it."""
    number, found_at, band = (stored.get(name) for name in ("number", "created_at", "band"))
    asked = next((item for item in Band if item == band), Band.URGENT_REFERRAL)
    return FindingToTell(
        number=number if isinstance(number, int) else 0,
        found_at=found_at if isinstance(found_at, datetime) else made_at(stored["id"]),
        why=ReachReason.UNREADABLE,
        label=None,
        urgency=asked,
    )


def find_what_to_tell(
    entry: VisibleFindingRow,
    *,
    opens: bool,
    written: Collection[str | None] = (),
    discarded: bool = False,
    listed: Container[int] = frozenset(),
    counts: bool = False,
) -> FindingToTell | None:
    """`opens`: the owner logs in here, and can have read it. `written`: what the messages of the
    owner that wait are about; None: about no finding that is there. `discarded`: the owner deletes
    it alone, and stays a patient. `listed`: the numbers of those of which somebody was to speak
    already. `counts`: it counts of a spot of which something milder is told.
    """
    decision = entry.decision
    reasons = [*_find_reasons(entry, opens, written, discarded)]
    if not reasons and decision and entry.number in listed and not entry.decision_opened_at:
        reasons = [ReachReason.UNOPENED]
    if not reasons and counts:
        reasons = [ReachReason.COUNTS]
    if not reasons:
        return None
    why, *also = reasons
    named = None if why is ReachReason.UNREVIEWED else decision
    sample = decision if decision and decision.awaited else None
    return FindingToTell(
        number=entry.number,
        found_at=entry.created_at,
        why=why,
        also=tuple(also),
        # The check's name would read as a diagnosis beside those of doctors.
        label=named.label if named else None,
        urgency=most_urgent(_urgency_asked(entry), *([named.urgency] if named else [])),
        proven=named is not None and named.proven,
        sampled_by=sample.doctor if sample else None,
    )


def _urgency_asked(entry: VisibleFindingRow) -> Band:
    return entry.decision.urgency if entry.decision and entry.reviewed else entry.band


def _find_reasons(
    entry: VisibleFindingRow, opens: bool, written: Collection[str | None], discarded: bool
) -> Iterator[ReachReason]:
    """Yield them, the gravest first."""
    decision = entry.decision
    if not entry.reviewed and urgency(entry.band) <= urgency(Band.REFERRAL):
        yield ReachReason.UNREVIEWED
    cancer = sent = unopened = False
    if decision:
        cancer, sent = names_cancer(decision.label), is_sent(decision.urgency)
        unopened = opens and entry.decision_opened_at is None and (cancer or sent)
        if entry.reviewed and _is_unjudged(decision, discarded):
            yield ReachReason.UNJUDGED
            unopened = False  # nothing was decided
    if decision and decision.awaited:
        yield ReachReason.AWAITED
    if unopened:
        yield ReachReason.UNOPENED
    elif discarded and cancer and sent:
        yield ReachReason.DISCARDED
    if entry.id in written or (cancer and written):
        yield ReachReason.UNANSWERED


def _is_unjudged(decision: Decision, discarded: bool) -> bool:
    """Whether nobody has judged what asks for a doctor. Who sends another photo as the doctor has
    asked, and deletes this one (`discarded`), has left nothing open.
    """
    if not decision.unjudged or urgency(decision.urgency) > urgency(Band.REFERRAL):
        return False
    return decision.photo_wanted or not discarded


def list_graver_of_spots(
    entries: Sequence[VisibleFindingRow], told: Mapping[int, FindingToTell]
) -> Iterator[FindingToTell]:
    """List what counts of the spots of findings that are to be told, and is graver than these."""
    graver = {
        counts.finding
        for entry in entries
        if (own := told.get(entry.number)) and (counts := entry.instruction).decision
        if own.urgency is None or urgency(counts.band) < urgency(own.urgency)
    }
    for entry in entries:
        if entry.number in told or entry.number not in graver:
            continue
        if found := find_what_to_tell(entry, opens=True, counts=True):
            yield found
