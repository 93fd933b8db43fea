"""Reads and searches resources, each as its caller may see what it is made of."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.base.errors import BadRequest, Conflict, Forbidden, InvalidQuery, NotFound
from skinapi.base.field_types import ID
from skinapi.base.pages import read_pages
from skinapi.base.subject import Subject
from skinapi.care.spots.service import LesionsService
from skinapi.findings.records.changes import LATEST_COMMIT, ChangedFindings
from skinapi.findings.records.photos import Shapes
from skinapi.findings.records.service import RecordsService
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.fhir.audit_events import audit_event_of
from skinapi.integrations.fhir.devices import device_id, device_of
from skinapi.integrations.fhir.elements import ORDERS, Resource, own_system
from skinapi.integrations.fhir.kinds import EVERYTHING, KINDS, OF_FINDINGS, Kind
from skinapi.integrations.fhir.patients import body_structure_of, consents_of, may_name, patient_of
from skinapi.integrations.fhir.reports import ORDER_KEY, resources_of
from skinapi.integrations.fhir.search import NO_SYSTEM, Cursor, Search
from skinapi.integrations.patients import PatientsService
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ids import now

NO_RESOURCE = "There is no such resource, or it is not yours to read"
NAMED = "A letter in the report may name the patient: the key needs findings:read too"
NO_AUDIT = "Only an admin can read the audit, and with audit:read a key of theirs or the clinic's"
# A page ends after so many groups were looked at, also where fewer resources match.
MOST_GROUPS = 500
# Sorts before every finding.
HEAD = "0"
LONGEST_PLACE = 1  # of a photo among those of a finding
OWN_IDENTIFIERS = {"Patient": "accounts", "DiagnosticReport": "findings", "Media": "photos",
                   "BodyStructure": "spots", "Device": "models"}  # fmt: skip


class Group(NamedTuple):
    """What is read together, such as all resources of a finding; `key` sorts the groups."""

    key: str
    resources: Iterable[Resource]


class FoundPage(NamedTuple):
    """`complete_until`: all that changed before it is there, or on a page that follows."""

    resources: list[Resource]
    complete_until: datetime
    following: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirService:
    """`base` is the address of the resources."""

    changes: ChangedFindings
    records: RecordsService
    shapes: Shapes
    reports: ReportsService
    lesions: LesionsService
    models: ModelsService
    accounts: Accounts
    patients: PatientsService
    trail: AuditTrail
    consents: Consents
    base: str

    def read(self, kind: Kind, identifier: str, *, to: Subject) -> Resource:
        """Raises NotFound, Forbidden."""
        for resource in self._find(kind, identifier, to):
            if (resource["resourceType"], resource["id"]) == (kind.name, identifier):
                return resource
        raise NotFound(NO_RESOURCE)

    def read_finding(self, number: str, *, to: Subject) -> list[Resource]:
        """All resources of a finding, the report first. Raises NotFound."""
        submission, _ = self._get(number, to, with_errors=True)
        return list(self._of_finding(submission, to))

    def _get(
        self, number: str, to: Subject, *, with_errors: bool = False
    ) -> tuple[Submission, Account]:
        submission, owner = self.records.get(number=number, to=to, with_errors=with_errors)
        return submission.for_programs(), owner

    def read_document(self, number: str, *, to: Subject) -> tuple[list[Resource], list[Resource]]:
        """The resources of a finding, and its patient and the model. Raises NotFound."""
        submission, owner = self._get(number, to)
        model = self._find_device(submission.finding.model_version)
        return list(self._of_finding(submission, to)), [patient_of(owner, to), *model]

    def read_binary(self, identifier: str, *, to: Subject) -> tuple[bytes, str]:
        """A kept photo, or the report as PDF, and its media type. Raises NotFound, and Forbidden
        for a report whose letters may name the patient to who reads no names.
        """
        number, _, part = identifier.partition("-")
        # First: what an emergency opens to an admin (break-glass) is not opened here.
        submission, _ = self.records.get(number=number, to=to)
        if part == "report" and not may_name(to):
            raise Forbidden(NAMED)
        if part == "report":
            content = self.reports.print_for_programs(number=number, to=to)
            return content, "application/pdf"
        if not (part.isascii() and part.isdigit()) or len(part) > LONGEST_PLACE or part == "0":
            raise NotFound(NO_RESOURCE)
        place = int(part) if len(submission.pictures) > 1 or part != "1" else None
        content = self.records.read_kept_photo(number=number, picture=place, to=to)
        return content, "image/jpeg"

    def get_patient(self, identifier: str, *, to: Subject) -> Account:
        """Raises NotFound."""
        found = self.accounts.by_ids({identifier}) if ID.fullmatch(identifier) else {}
        account = found.get(identifier)
        if account is None or not self._may_read(account, to):
            raise NotFound(NO_RESOURCE)
        self.records.note_read([account.id], by=to)
        return account

    def empty_page(self) -> FoundPage:
        return FoundPage([], now() - LATEST_COMMIT, None)

    def page(self, search: Search, *, to: Subject) -> FoundPage:
        """The next resources that match. Raises Forbidden."""
        cursor = search.cursor or Cursor(now() - LATEST_COMMIT)
        if search.patient and ID.fullmatch(search.patient):  # perhaps one that was joined
            staying = self.accounts.find_staying(search.patient)
            search = replace(search, patient=staying.id if staying else search.patient)
        return self._cut(self._groups(search, to, cursor.behind), search, cursor)

    def page_everything(self, patient: Account, search: Search, *, to: Subject) -> FoundPage:
        """The next resources of a patient."""
        cursor = search.cursor or Cursor(now() - LATEST_COMMIT)
        return self._cut(self._walk_patient(patient, search, to, cursor.behind), search, cursor)

    def walk_everything(
        self, patient: Account, search: Search, *, to: Subject
    ) -> Iterator[Resource]:
        """All resources of a patient, read while they are sent."""
        for group in self._walk_patient(patient, search, to, ""):
            yield from filter(search.matches, group.resources)

    def walk_all(self, patient: Account, *, to: Subject) -> Iterator[Resource]:
        """The same of a search for everything."""
        yield from self.walk_everything(patient, Search(EVERYTHING), to=to)

    def _cut(self, groups: Iterable[Group], search: Search, cursor: Cursor) -> FoundPage:
        found: list[Resource] = []
        behind = cursor.behind
        for looked_at, (key, resources) in enumerate(groups):
            if looked_at == MOST_GROUPS:
                return self._page_to(found, cursor, behind)
            sent = cursor.sent if key == cursor.key else 0
            for place, resource in enumerate(resources):
                if place < sent or not search.matches(resource):
                    continue
                if len(found) == search.count:
                    return self._page_to(found, cursor, behind, key, place)
                found.append(resource)
            behind = key
        return FoundPage(found, cursor.complete_until, None)

    def _page_to(
        self, found: list[Resource], cursor: Cursor, behind: str, key: str = "", sent: int = 0
    ) -> FoundPage:
        following = Cursor(cursor.complete_until, behind, key, sent)
        return FoundPage(found, cursor.complete_until, following)

    def _groups(self, search: Search, to: Subject, behind: str) -> Iterator[Group]:
        kind = search.kind
        if kind.name == "AuditEvent":
            self._refuse_audit(to)
        ids = self._wanted_ids(search, to)
        if ids is not None:
            for place, identifier in enumerate(ids):
                key = f"{place:03x}"
                if key > behind:
                    yield Group(key, self._named(search, identifier, to))
        elif kind.name in OF_FINDINGS:
            for group in self._walk_findings(search, to, search.patient, behind):
                of_kind = (one for one in group.resources if one["resourceType"] == kind.name)
                yield Group(group.key, of_kind)
        elif kind.name == "AuditEvent":
            yield from self._walk_audit(search, behind)
        elif kind.name == "Device":
            for key, version in self._walk_versions(behind or None):
                yield Group(key, self._find_device(version))
        else:
            for account in self._walk_patients(search.patient, to, behind):
                yield Group(account.id, self._of_patient(kind, account, to))

    def _wanted_ids(self, search: Search, to: Subject) -> tuple[str, ...] | None:
        """The ids that the search names, also by identifiers and by orders; None where it names
        none.
        """
        told = (search.ids, self._ids_of(search, to), self._ids_of_orders(search, to))
        named = [one for one in told if one is not None]
        if not named:
            return None
        return tuple(one for one in named[0] if all(one in each for each in named))

    def _ids_of(self, search: Search, to: Subject) -> list[str] | None:
        if search.identifiers is None:
            return None
        kind, own = search.kind.name, own_system(OWN_IDENTIFIERS[search.kind.name])
        named = [code for system, code in search.identifiers if system in (None, own)]
        if kind == "Device":
            named = [*map(device_id, named)]
        if kind == "Patient":
            if any(not one and not ID.fullmatch(code) for one, code in search.identifiers):
                raise InvalidQuery(
                    f"identifier: {NO_SYSTEM}"
                )  # it would find nobody, whoever is here
            foreign = ((one, code) for one, code in search.identifiers if one not in (None, own))
            named += filter(None, (self._find_foreign(*one, to) for one in foreign))
        return named

    def _ids_of_orders(self, search: Search, to: Subject) -> list[str] | None:
        """Of the reports of these orders. An identifier of another system is the caller's own: it
        counts for whom the order was sent by.
        """
        if search.orders is None:
            return None
        named, records = list[str](), self.records.submissions
        for system, code in search.orders:
            if system == own_system(ORDERS):
                named.append(code)
                continue
            for key in self.keys_of_order(system or "", code, by=to):
                filed = records.find_filed(to.id, key) or records.find_by_key(to.id, key)
                named += [str(filed.number)] if filed else []
        return [*dict.fromkeys(named)]

    def keys_of_order(self, system: str, value: str, *, by: Subject) -> list[str]:
        """The idempotency keys under which an order with this identifier may have been filed."""
        return [ORDER_KEY + one for one in self.patients.hashes_of("order", by.id, system, value)]

    def _find_foreign(self, system: str | None, value: str, to: Subject) -> str | None:
        """The patient of another system's identifier, for a clinic-wide key."""
        with suppress(Forbidden, BadRequest, Conflict):
            found = self.patients.find(system or "", value, by=to)
            return found.id if found else None
        return None

    def _named(self, search: Search, identifier: str, to: Subject) -> Iterator[Resource]:
        with suppress(NotFound):
            found = self.read(search.kind, identifier, to=to)
            owner = found.get("subject") or found.get("patient") or {}
            of = (None, str(owner.get("reference")).removeprefix("Patient/"))
            if search.orders is not None and "basedOn" not in found:
                return
            if search.patient in of and search.span.holds(
                datetime.fromisoformat(found["meta"]["lastUpdated"])
            ):
                yield found

    def _find(self, kind: Kind, identifier: str, to: Subject) -> Iterable[Resource]:
        """Resources among which the one with this id is, if there is one."""
        if kind.name in OF_FINDINGS:
            return self.read_finding(identifier.partition("-")[0], to=to)
        if kind.name == "AuditEvent":
            self._refuse_audit(to)
            row = self.trail.find(identifier) if ID.fullmatch(identifier) else None
            return [audit_event_of(row)] if row else []
        if kind.name == "Device":
            versions = (version for _, version in self._walk_versions())
            named = next((one for one in versions if device_id(one) == identifier), "")
            return self._find_device(named)
        if kind.name == "BodyStructure":
            return [body_structure_of(self.lesions.find(lesion=identifier, to=to), to)]
        patient = self.get_patient(identifier.partition("-")[0], to=to)
        return self._of_patient(kind, patient, to)

    def _may_read(self, account: Account, to: Subject) -> bool:
        if account.joined_to and (staying := self.accounts.find_staying(account.joined_to)):
            account = staying
        if to.key and to.key.patient not in (None, account.id):
            return False
        return account.id == to.id or self.records.may_see(account, to, lesion=None)

    def _of_finding(self, submission: Submission, to: Subject) -> Iterator[Resource]:
        measured = self.shapes.measure(submission)
        return resources_of(measured, self.base, printed=may_name(to))

    def _of_patient(self, kind: Kind, account: Account, to: Subject) -> Iterator[Resource]:
        if kind.name == "Patient":
            yield patient_of(account, to)
        elif kind.name == "Consent":
            newest = self.trail.find_newest("account.consents", target=account.id)
            before = newest["created_at"] if newest else account.created_at
            yield from consents_of(account, self.consents.find_latest(account.id), before)
        elif kind.name == "BodyStructure":
            spots = self.lesions.lesions
            for page in read_pages(
                lambda after: spots.page_owned(account.id, after=after, limit=100)
            ):
                yield from (body_structure_of(one, to) for one in page.items)

    def _walk_patient(
        self, account: Account, search: Search, to: Subject, behind: str
    ) -> Iterator[Group]:
        """The person first, then each finding, with its device where that was not there yet."""
        if not behind:
            kinds = (KINDS[name] for name in ("Patient", "Consent", "BodyStructure"))
            each = (self._of_patient(kind, account, to) for kind in kinds)
            yield Group(HEAD, chain.from_iterable(each))
        sent: set[str] = set()
        for group in self._walk_findings(search, to, account.id, behind):
            yield Group(group.key, self._with_devices(group.resources, sent))

    def _with_devices(self, resources: Iterable[Resource], sent: set[str]) -> Iterator[Resource]:
        """After those that name a model for the first time."""
        for resource in resources:
            yield resource
            version = resource.get("device", {}).get("display")
            if version and version not in sent:
                sent.add(version)
                yield from self._find_device(version)

    def _walk_findings(
        self, search: Search, to: Subject, patient: str | None, behind: str
    ) -> Iterator[Group]:
        for page in read_pages(
            lambda after: self.changes.page(
                to=to,
                patient=patient,
                span=search.span,
                newest_first=search.newest_first,
                after=after or behind or None,
            )
        ):
            for submission, _ in page.items:
                yield Group(submission.change_key, self._of_finding(submission, to))

    def _walk_patients(self, patient: str | None, to: Subject, behind: str) -> Iterator[Account]:
        """Oneself and those in one's care, in the order in which the accounts were made."""
        only = patient or (to.key and to.key.patient)
        if only or not (to.role == "doctor" or (to.key and to.key.clinic_wide)):
            with suppress(NotFound):
                found = self.get_patient(only or to.id, to=to)
                if found.id > behind:
                    yield found
            return
        doctor = None if to.key and to.key.clinic_wide else to.id
        for page in read_pages(
            lambda after: self.accounts.page_of_doctor(
                doctor, after=after or behind or None, limit=100
            )
        ):
            shown = [
                one
                for one in page.items
                if one.status != "waiting" and not one.machine and self._may_read(one, to)
            ]
            self.records.note_read([one.id for one in shown], by=to)
            yield from shown

    def _walk_versions(self, behind: str | None = None) -> Iterator[tuple[str, str]]:
        """The ids of the records of the model's versions, and their names."""
        versions = self.models.versions
        for page in read_pages(lambda after: versions.page_versions(after=after or behind)):
            yield from ((one.id, one.version) for one in page.items)

    def _find_device(self, version: str) -> list[Resource]:
        stored = self.models.versions.find(version)
        if stored is None:
            return []
        return [device_of(version, self.models.find_version_state(version), stored.created_at)]

    def _walk_audit(self, search: Search, behind: str) -> Iterator[Group]:
        rows = self.trail.walk(
            since=search.span.since,
            until=search.span.until,
            newest_first=search.newest_first,
            after=behind or None,
        )
        for row in islice(rows, MOST_GROUPS + 1):
            yield Group(row["id"], [audit_event_of(row)])

    def _refuse_audit(self, to: Subject) -> None:
        """Raises Forbidden."""
        key = to.key
        # As at `GET /audit`: a clinic-wide key needs the scope alone, a person's the role too.
        allowed = to.role == "admin" or (key is not None and key.clinic_wide)
        if not allowed or (key is not None and "audit:read" not in key.scopes):
            raise Forbidden(NO_AUDIT)
