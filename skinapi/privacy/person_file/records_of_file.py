"""What a person's file says as records of this server: new ids and numbers, and what refers to them
is mapped. Nothing is stored here.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from skinapi.auth.accounts import Account
from skinapi.auth.consents import IMPORTED, PURPOSES, ConsentGiven
from skinapi.care.lesion_records import Lesion
from skinapi.care.message_records import Message
from skinapi.languages import known_language
from skinapi.privacy.person_file.format import (
    ME,
    AccountFile,
    ConsentsFile,
    FiledConsent,
    FiledLetter,
    FiledMessage,
    FiledReview,
    FiledSpot,
    FindingFile,
    MessagesFile,
    SpotsFile,
)
from skinapi.privacy.person_file.received_file import BrokenPersonFile, ReceivedFile
from skinapi.records.decisions import Decision
from skinapi.records.letters import MOST_LETTERS, Letter
from skinapi.records.reviews import MOST_REVIEWS, Review
from skinapi.records.schemas import SubmissionView
from skinapi.records.submission import Submission
from skinapi.reports.facts import Facts
from skinapi.reports.report import Sections, Source
from skinapi.reports.template import write_template
from skinapi.storage.ids import first_id_at, is_ahead, made_at, new_id
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model import FILE_NAME

# All of them are stored in one transaction.
MOST_FINDINGS = 5_000
MOST_RECORDS = 25_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_PLAN = timedelta(days=3660)
LARGEST_MAP = 64 * 64
TIME_DIGITS, TAIL_BITS = 12, 80


@dataclass(frozen=True, slots=True)
class FiledPerson:
    """What the JSON files say that is stored as records of this server."""

    account: AccountFile
    consents: Sequence[FiledConsent]
    spots: Sequence[FiledSpot]
    messages: Sequence[FiledMessage]
    findings: Sequence[FindingFile]

    @classmethod
    def read(cls, file: ReceivedFile) -> "FiledPerson":
        """Raises BrokenPersonFile."""
        paths = file.list_findings()
        if len(paths) > MOST_FINDINGS:
            raise BrokenPersonFile(f"It has more than {MOST_FINDINGS} findings.")
        findings = [file.read_json(path, FindingFile) for path in paths]
        for path, finding in zip(paths, findings, strict=True):
            if path.split("/")[1] != finding.id:
                raise BrokenPersonFile(f"{path} is about another finding.")
        return cls(
            account=file.read_json("account.json", AccountFile),
            consents=file.read_json("consents.json", ConsentsFile).history,
            spots=file.read_json("spots.json", SpotsFile).spots,
            messages=file.read_json("messages.json", MessagesFile).messages,
            findings=sorted(findings, key=lambda one: one.id),
        )

    def ids(self) -> list[str]:
        """Of all its records. Raises BrokenPersonFile where two are the same."""
        records: list[Any] = [*self.spots, *self.messages, *self.findings]
        for finding in self.findings:
            records += [*finding.reviews, *finding.letters]
            if len(finding.reviews) >= MOST_REVIEWS or len(finding.letters) > MOST_LETTERS:
                raise BrokenPersonFile(f"Finding {finding.number} has too many reviews or letters.")
        found = [record.id for record in records]
        if len(found) != len({*found}) or len({one.number for one in self.findings}) != len(
            self.findings
        ):
            raise BrokenPersonFile("Two of its records have the same id or number.")
        if len(found) + len(self.consents) > MOST_RECORDS:
            raise BrokenPersonFile(f"It has more than {MOST_RECORDS} records.")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecords:
    """What is stored of a file, beside the account."""

    submissions: Sequence[Submission]
    reviews: Sequence[Review]
    letters: Sequence[Letter]
    lesions: Sequence[Lesion]
    messages: Sequence[Message]
    consents: Sequence[ConsentGiven]


# The keys of the stored photos of a finding, in their order; none where one of them is missing.
StoredPhotos = Mapping[str, Mapping[int, str]]


def make_records(
    person: FiledPerson, owner: Account, *, photos: StoredPhotos, numbers: Sequence[int]
) -> PersonRecords:
    """`numbers` are new ones, as many as there are findings. Raises BrokenPersonFile."""
    mapping = _Mapping.of(person, owner, numbers)
    reviews = {one.id: mapping.reviews_of(one) for one in person.findings}
    return PersonRecords(
        submissions=[
            mapping.submission(one, reviews[one.id], photos.get(one.id, {}))
            for one in person.findings
        ],
        reviews=[review for some in reviews.values() for review in some],
        letters=[mapping.letter(letter, one) for one in person.findings for letter in one.letters],
        lesions=[mapping.lesion(one) for one in person.spots],
        messages=[mapping.message(one) for one in person.messages],
        consents=[*mapping.consents(person.consents)],
    )


@dataclass(frozen=True, slots=True)
class _Mapping:
    """New ids by the file's, and new numbers by the file's."""

    owner: Account
    ids: Mapping[str, str]
    numbers: Mapping[int, int]
    lesions: frozenset[str]

    @classmethod
    def of(cls, person: FiledPerson, owner: Account, numbers: Sequence[int]) -> "_Mapping":
        told = sorted(one.number for one in person.findings)
        return cls(
            owner=owner,
            ids=_new_ids(person.ids()),
            numbers=dict(zip(told, sorted(numbers), strict=True)),
            lesions=frozenset(one.id for one in person.spots),
        )

    def person(self, named: str) -> str:
        """Others keep the name that the file gives them: no account of this server has it."""
        return self.owner.id if named == ME else named

    def known(self, identifier: str | None) -> str | None:
        return self.ids.get(identifier) if identifier else None

    def number(self, told: int | None) -> int | None:
        return self.numbers.get(told) if told else None

    def spot(self, identifier: str | None) -> str | None:
        return self.known(identifier) if identifier in self.lesions else None

    def submission(
        self, filed: FindingFile, reviews: Sequence[Review], photos: Mapping[int, str]
    ) -> Submission:
        finding, created_at = filed.finding, _moment(filed.created_at)
        pictures = len(finding.pictures)
        shown = photos.get(finding.shown_picture + 1 if pictures else 1)
        all_there = pictures > 0 and len(photos) == pictures
        decision = Decision.of(reviews, finding, created_at)
        made = Submission(
            id=self.ids[filed.id],
            created_at=created_at,
            number=self.numbers[filed.number],
            owner=self.owner.id,
            band=finding.band,
            finding=finding,
            model_version=finding.model_version,
            context=filed.context,
            language=filed.language,
            sections=_read(Sections, filed.sections),
            narrative_source=_read(Source, filed.narrative_source),
            lesion=self.spot(filed.lesion),
            former_lesion=self.spot(filed.former_lesion),
            shape=filed.shape,
            photo_sent_at=_moment(filed.photo_sent_at),
            photo_came_at=_moment(filed.photo_came_at),
            again_of=self.number(filed.again_of),
            judged_again=self.number(filed.judged_again),
            filed_by=self.person(filed.filed_by) if filed.filed_by not in (None, ME) else None,
            photo_blob=shown,
            picture_blobs=tuple(photos[place] for place in sorted(photos)) if all_there else (),
            picture_count=max(1, pictures),
            decision=decision,
            reviewed_as=decision.reviewed_as(stated=finding.stated) if decision else None,
            changed=new_id(),
        )
        _refuse_unshowable(made, self.owner, filed.number)
        keys = made.make_keys(reviewed=decision is not None)
        return made.model_copy(update=keys)

    def reviews_of(self, filed: FindingFile) -> list[Review]:
        made = [self._review(one, self.ids[filed.id]) for one in filed.reviews]
        return sorted(made, key=lambda one: one.id)

    def _review(self, filed: FiledReview, submission: str) -> Review:
        opinion = filed.opinion
        for label in filter(None, (opinion.label, opinion.histology_result)):
            _require_known(label)
        return Review(
            id=self.ids[filed.id],
            created_at=_moment(filed.created_at),
            submission=submission,
            doctor=self.person(filed.doctor),
            signature=filed.signature,
            opinion=opinion,
            note=filed.note,
            downgrade_confirmed=filed.downgrade_confirmed,
            lowered_from=filed.lowered_from,
            lowered_to=filed.lowered_to,
        )

    def letter(self, filed: FiledLetter, finding: FindingFile) -> Letter:
        withdrawn = filed.withdrawn
        if withdrawn:
            at = _moment(withdrawn.withdrawn_at)
            withdrawn = withdrawn.model_copy(update={"withdrawn_at": at})
        return Letter(
            id=self.ids[filed.id],
            created_at=_moment(filed.created_at),
            submission=self.ids[finding.id],
            doctor=self.person(filed.doctor),
            reader=filed.reader,
            language=filed.language,
            text=filed.text,
            version=filed.version,
            source=dict(filed.source),
            signed_at=_moment(filed.signed_at),
            signature=filed.signature,
            last_review=self.known(filed.last_review),
            withdrawn=withdrawn,
        )

    def lesion(self, filed: FiledSpot) -> Lesion:
        """Its findings are counted when they are stored."""
        return Lesion(
            id=self.ids[filed.id],
            created_at=_moment(filed.created_at),
            owner=self.owner.id,
            place=filed.place,
            name=filed.name,
            joined=self.spot(filed.joined),
            remind_at=_moment(filed.remind_at, planned=True),
            reminded=self.known(filed.reminded),
            deleted_at=_moment(filed.deleted_at),
        )

    def message(self, filed: FiledMessage) -> Message:
        """One that the person has not read waits. What no doctor has read waits for the doctor who
        will be in charge here.
        """
        lesion, author = self.spot(filed.lesion), self.person(filed.author)
        if lesion is None:
            raise BrokenPersonFile("A message belongs to a spot that is not in the file.")
        return Message(
            id=self.ids[filed.id],
            created_at=_moment(filed.created_at),
            lesion=lesion,
            owner=self.owner.id,
            author=author,
            text=filed.text,
            signature=filed.signature,
            to=self.owner.id if author != self.owner.id else None,
            read_at=_moment(filed.read_at),
            reported_at=_moment(filed.reported_at),
            submission=self.known(filed.submission),
        )

    def consents(self, filed: Sequence[FiledConsent]) -> Iterator[ConsentGiven]:
        """What was said to the other clinic: history, and no consent of here."""
        last = 0
        for one in sorted(filed, key=lambda one: _moment(one.at)):
            if one.purpose in PURPOSES:
                at = _moment(one.at)
                last = max(int(first_id_at(at), 16) + secrets.randbits(TAIL_BITS - 1), last + 1)
                yield ConsentGiven(
                    id=f"{last:032x}",
                    created_at=at,
                    account=self.owner.id,
                    purpose=one.purpose,
                    given=one.given,
                    version=one.version,
                    language=known_language(one.language or ""),
                    by=self.person(one.by),
                    way=IMPORTED,
                    finding=self.known(one.finding),
                )


def _new_ids(told: Iterable[str]) -> dict[str, str]:
    """A new id for each, of the same time and in the same order: lists are sorted by them, and what
    was signed later stands later. The same id again would be that of something erased here, which
    the restore of an old backup would erase again.
    """
    made: dict[str, str] = {}
    for time, group in groupby(sorted(told), key=lambda one: one[:TIME_DIGITS]):
        if made_at(time) < EARLIEST or is_ahead(made_at(time)):
            raise BrokenPersonFile(OUTSIDE)
        same = [*group]
        tails = sorted(secrets.randbits(TAIL_BITS) for _ in same)
        made |= {one: f"{time}{tail:020x}" for one, tail in zip(same, tails, strict=True)}
    return made


OUTSIDE = "A time in it lies in the future, or before there were such files."


def _moment(at: datetime | None, *, planned: bool = False) -> Any:
    """As the store keeps it. Raises BrokenPersonFile for a time that nothing can have."""
    if at is None:
        return None
    if at.tzinfo is None or at < EARLIEST:
        raise BrokenPersonFile(OUTSIDE)
    in_utc = at.astimezone(UTC)
    if is_ahead(in_utc - LATEST_PLAN if planned else in_utc):
        raise BrokenPersonFile(OUTSIDE)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def _read(model: Any, told: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(dict(told)).model_dump(mode="json")
    except ValueError as error:
        raise BrokenPersonFile("The text of a finding is not whole.") from error


def _require_known(condition: str) -> None:
    try:
        conditions_table().label(condition)
    except KeyError as error:
        raise BrokenPersonFile(
            "It names a condition that this server does not know: update this server first."
        ) from error


def _require_version(name: str) -> None:
    """Tables name it: a spreadsheet must not take it for a formula."""
    if not FILE_NAME.fullmatch(name):
        raise ValueError("no name of a version")


def _require_drawn(height: int, width: int) -> None:
    if not 0 < height * width <= LARGEST_MAP:
        raise ValueError("no heat map")


def _refuse_unshowable(made: Submission, owner: Account, number: int) -> None:
    """Make of it what the console and reports show. What no model refuses may still break them."""
    try:
        for one in (made.finding, *made.finding.pictures):
            _require_version(one.model_version)
            for entry in one.ranked:
                _require_known(entry.key)
            height, width = np.asarray(one.heat, np.float32).shape
            _require_drawn(height, width)
        write_template(Facts.of(made.finding, made.context), made.language)
        SubmissionView.of(made.for_owner(), owner)
    except BrokenPersonFile:
        raise
    except Exception as error:
        raise BrokenPersonFile(
            f"Finding {number} of the file cannot be shown by this server."
        ) from error
