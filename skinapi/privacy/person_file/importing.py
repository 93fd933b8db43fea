"""Takes a person from another server over, by the file that it has given the person: all or
nothing.

The file is verified whole first. Then its photos are decoded and stored, and last all records in
one transaction. Whoever kills the process leaves nothing but photos of nobody, which `check` finds.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.consents import Consents
from skinapi.auth.emails import normalise_new_email
from skinapi.auth.events import AccountAdded
from skinapi.care.lesion_records import Lesions
from skinapi.care.message_records import Messages
from skinapi.domain.field_types import Name
from skinapi.errors import Duplicate, Refused, StoreBusy, StoreUnavailable
from skinapi.languages import LANGUAGES, known_language
from skinapi.privacy.person_file.format import MANIFEST, SIGNATURE, AccountFile, FindingFile
from skinapi.privacy.person_file.imported_persons import (
    ImportedPerson,
    ImportedPersons,
    pack_history,
)
from skinapi.privacy.person_file.received_file import BrokenPersonFile, ReceivedFile
from skinapi.privacy.person_file.records_of_file import (
    FiledPerson,
    PersonRecords,
    StoredPhotos,
    make_records,
)
from skinapi.privacy.person_file.signature import FileSigner
from skinapi.records.lesion_findings import LesionFindings
from skinapi.records.letters import Letters
from skinapi.records.photos import PhotoPolicy
from skinapi.records.review_queue import ReviewQueue
from skinapi.records.reviews import Reviews
from skinapi.records.submissions import Submissions
from skinapi.storage.ids import new_blob_key, new_id, now
from skinapi.storage.ports import Blobs
from skinapi.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.vision.decoding.file_parts import jpeg_segments
from skinapi.vision.decoding.photo import read_stored_photo, reencode_for_storage

ATTEMPTS = 3
# Of a JPEG as this software stores it: tables, frame, scan, and how it is measured.
PLAIN_SEGMENTS = frozenset({0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0})
LONGEST_JFIF = 16
END_OF_JPEG = b"\xff\xd9"
HISTORY = ("account.json", "consents.json", "audit.json")
EARLIER = "imported/"
ALREADY = "An account with this e-mail address is here already."
# What the person may do meanwhile: nothing. It is no registration that nobody has answered, which
# is deleted after a while.
FIRST_TOKEN_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What was imported: `stored` counts the records by their kind, `models` the findings by their
    model version. `lost` are the photos that the file lacks, `photos_left_out` those that this
    server does not keep.
    """

    account: Account
    imported: ImportedPerson
    stored: Mapping[str, int]
    models: Mapping[str, int]
    lost: int
    photos_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where the records of a person go."""

    accounts: Accounts
    submissions: Submissions
    findings: LesionFindings
    reviews: Reviews
    letters: Letters
    lesions: Lesions
    messages: Messages
    consents: Consents
    blobs: Blobs
    imported: ImportedPersons


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonImportService:
    """`policy` is whether this server keeps photos."""

    work: UnitOfWork
    to: Stores
    queue: ReviewQueue
    signer: FileSigner
    policy: PhotoPolicy

    def import_person(
        self, path: Path, *, signed_by: str | None, email: str | None, by: str
    ) -> TakenOver:
        """Verify the file, and store what it says. `signed_by` is the fingerprint of the key of the
        server that made it, unless that is this one; `email` the address that the person has here.
        Raises BrokenPersonFile, and StoreBusy where others take its numbers again and again.
        """
        with ReceivedFile.opened(path) as file:
            self._refuse_unknown_key(file, signed_by)
            file.verify()
            person = FiledPerson.read(file)
            self._refuse_second(file, person.account)
            owner = self._draft(person.account, email)
            # Refuses what cannot be stored, before a photo is.
            make_records(person, owner, photos={}, numbers=_as_told(person))
            stored: list[str] = []
            try:
                photos = self._store_photos(file, person, stored)
                imported = self._note(file, owner, person.account, stored)
                records = self._file(person, owner, photos, imported, by)
            except BaseException as error:
                # Without an answer from the store, the records may be there.
                if isinstance(error, StoreBusy) or not isinstance(error, StoreUnavailable):
                    for key in stored:
                        self.to.blobs.delete(key)
                raise
        return _told(person, owner, imported, records, self.policy)

    def _refuse_unknown_key(self, file: ReceivedFile, signed_by: str | None) -> None:
        made_by, fingerprint = file.manifest.made_by, file.key.fingerprint
        if signed_by is None and fingerprint in {one.fingerprint for one in self.signer.known_keys}:
            return
        if signed_by is None:
            clinic = f" ({made_by.clinic})" if made_by.clinic else ""
            raise BrokenPersonFile(
                f"The file says that it was made by {made_by.address}{clinic}, whose key has the"
                f" fingerprint\n  {fingerprint}\nThis server does not know that key, and anybody"
                " can make one. Ask the people of that clinic, by telephone or face to face, which"
                " fingerprint their server shows at /signing-key. If it is the same, import the"
                f" file with\n  --signed-by {fingerprint}"
            )
        named = "".join(signed_by.lower().replace(":", " ").split())
        if named != fingerprint:
            raise BrokenPersonFile(
                f"The file was signed with the key {fingerprint}, and not with the one that"
                " --signed-by names: it is not from that server, or a letter of it was mistyped."
            )

    def _refuse_second(self, file: ReceivedFile, account: AccountFile) -> None:
        before = self.to.imported.find_same(file.key.fingerprint, account.id)
        if before is None:
            return
        here = self.to.accounts.by_ids({before.account}).get(before.account)
        if here:
            raise BrokenPersonFile(
                f"This person of {before.address} was imported on"
                f" {before.created_at:%Y-%m-%d %H:%M} UTC already, and is here as {here.email}."
                " To import the person again, delete that account first."
            )

    def _draft(self, told: AccountFile, email: str | None) -> Account:
        """Raises BrokenPersonFile where the address is no address, or is taken."""
        try:
            address = normalise_new_email(email or told.email)
            name = TypeAdapter[str](Name).validate_python(told.name)
        except ValueError as error:
            raise BrokenPersonFile(
                "The name or the e-mail address in it cannot be those of an account; --email NEW"
                " gives the person another address."
            ) from error
        self._refuse_taken(address)
        return self.to.accounts.draft(
            name=name,
            email=address,
            password_hash="",
            status="waiting",
            token_version=FIRST_TOKEN_VERSION,
            locale=known_language(told.locale) or LANGUAGES[0],
            notices=told.notices,
        )

    def _refuse_taken(self, address: str) -> None:
        if self.to.accounts.find_by_email(address):
            raise BrokenPersonFile(
                f"{ALREADY} If it is the same person, delete that account first, or leave it as it"
                " is. If it is somebody else's, give this person another one: --email NEW."
            )

    def _store_photos(
        self, file: ReceivedFile, person: FiledPerson, stored: list[str]
    ) -> StoredPhotos:
        """`stored` gets the key of each before it is stored."""
        if self.policy == "never":
            return {}
        found: dict[str, dict[int, str]] = {}
        for finding in person.findings:
            _refuse_more_photos(finding)
            for photo in finding.photos:
                if photo.missing is None:
                    content = _plain_photo(photo.path, file.read(photo.path))
                    found.setdefault(finding.id, {})[photo.place] = self._put(content, stored)
        return found

    def _put(self, content: bytes, stored: list[str]) -> str:
        key = new_blob_key(content)
        stored.append(key)
        self.to.blobs.put_as(key, content)
        return key

    def _note(
        self, file: ReceivedFile, owner: Account, told: AccountFile, stored: list[str]
    ) -> ImportedPerson:
        kept = dict(zip((MANIFEST, SIGNATURE), file.signed, strict=True))
        paths = [*HISTORY, *(path for path in file.files if path.startswith(EARLIER))]
        kept |= {path: file.read(path) for path in paths if path in file.files}
        try:
            history = pack_history(kept)
        except ValueError as error:
            raise BrokenPersonFile("A text in it is not UTF-8.") from error
        manifest, made_by = file.manifest, file.manifest.made_by
        return ImportedPerson(
            id=new_id(),
            created_at=now(),
            account=owner.id,
            account_there=told.id,
            made_at=manifest.made_at,
            address=made_by.address,
            clinic=made_by.clinic,
            software=made_by.software,
            fingerprint=file.key.fingerprint,
            sha256=file.sha256,
            history_blob=self._put(history, stored),
        )

    def _file(
        self,
        person: FiledPerson,
        owner: Account,
        photos: StoredPhotos,
        imported: ImportedPerson,
        by: str,
    ) -> PersonRecords:
        for _ in range(ATTEMPTS):
            # Outside of the transaction: others would wait for the counter until its end.
            numbers = [self.to.submissions.take_number() for _ in person.findings]
            records = make_records(person, owner, photos=photos, numbers=numbers)
            try:
                self._store(owner, records, imported, by)
            except Duplicate:  # an address that was taken meanwhile, or a number that is in use
                self._refuse_taken(owner.email)
                self.to.submissions.skip_used_numbers()
                continue
            except ValueError as error:
                raise BrokenPersonFile(f"A value in it cannot be stored: {error}.") from error
            return records
        raise StoreBusy

    @atomic
    def _store(
        self, unit: Unit, owner: Account, records: PersonRecords, imported: ImportedPerson, by: str
    ) -> None:
        to = self.to
        unit.audit(
            "person.import",
            by=by,
            target=owner.id,
            owner=owner.id,
            detail=f"key {imported.fingerprint[:16]}, manifest {imported.sha256[:16]}",
        )
        to.accounts.insert(owner)
        unit.publish(AccountAdded(owner.id))
        to.imported.add(imported)
        for submission in records.submissions:
            to.submissions.insert(submission)
        for review in records.reviews:
            to.reviews.add(review, signed=())
        for letter in records.letters:
            to.letters.insert(letter)
        for message in records.messages:
            to.messages.insert(message)
        for consent in records.consents:
            to.consents.insert(consent)
        for lesion in records.lesions:
            newest = to.findings.newest(lesion.id)
            counted = {"findings": to.findings.count(lesion.id), "latest": newest and newest.id}
            to.lesions.insert(lesion.model_copy(update=counted))
            to.findings.renew_rest(lesion.id)
        self.queue.recount(owner.id)
        self.queue.update_owner_key(to.accounts.get(owner.id))


def _as_told(person: FiledPerson) -> list[int]:
    return [one.number for one in person.findings]


def _refuse_more_photos(finding: FindingFile) -> None:
    places, most = [one.place for one in finding.photos], max(1, len(finding.finding.pictures))
    if len(places) != len({*places}) or max(places, default=1) > most:
        raise BrokenPersonFile(f"Finding {finding.number} has other photos than it says.")


def _plain_photo(path: str, content: bytes) -> bytes:
    """The photo as it is, where it is a JPEG without metadata and without anything behind it, as
    this software stores photos; else encoded again. Raises BrokenPersonFile for no photo.
    """
    try:
        read_stored_photo(content, full=True)
        return content if _is_plain(content) else reencode_for_storage(content)
    except (Refused, ValueError) as error:
        raise BrokenPersonFile(f"{path} is no photo that can be read.") from error


def _is_plain(content: bytes) -> bool:
    if not content.startswith(b"\xff\xd8\xff"):
        return False
    segments = jpeg_segments(content)
    within = content[segments[-1].end :] if segments else b""
    return within.find(END_OF_JPEG) == len(within) - len(END_OF_JPEG) and all(
        one.kind in PLAIN_SEGMENTS and (one.kind != 0xE0 or one.end - one.start <= LONGEST_JFIF + 2)
        for one in segments
    )


def _told(
    person: FiledPerson,
    owner: Account,
    imported: ImportedPerson,
    records: PersonRecords,
    policy: PhotoPolicy,
) -> TakenOver:
    photos = [photo for one in person.findings for photo in one.photos]
    lost = sum(one.missing is not None for one in photos)
    kept = 0 if policy == "never" else len(photos) - lost
    return TakenOver(
        account=owner,
        imported=imported,
        stored={
            "findings": len(records.submissions),
            "photos": kept,
            "reviews": len(records.reviews),
            "letters": len(records.letters),
            "spots": len(records.lesions),
            "messages": len(records.messages),
        },
        models=Counter(one.finding.model_version for one in records.submissions),
        lost=lost,
        photos_left_out=len(photos) - lost - kept,
    )
