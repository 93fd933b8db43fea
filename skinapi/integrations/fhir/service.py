from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import BadRequest, Conflict, Forbidden, InvalidQuery, NotFound
from skinapi.base.field_types import ID
from skinapi.base.pages import Page, PageRequest, read_all, read_pages
from skinapi.care.lesions import LesionsService
from skinapi.findings.records.changed_findings import LATEST_COMMIT, ChangedFindings, SeenFinding
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.fhir.elements import ORDERS, Resource, own_system
from skinapi.integrations.fhir.kinds import OF_FINDINGS, Kind
from skinapi.integrations.fhir.other_resources import (
    body_structure_of,
    may_name,
    moved_patient,
    patient_of,
)
from skinapi.integrations.fhir.reports import ORDER_KEY, resources_of
from skinapi.integrations.fhir.search import NO_SYSTEM, Cursor, Search
from skinapi.integrations.patients import PatientsService
from skinapi.platform.storage.ids import now

NO_RESOURCE = "There is no such resource, or it is not yours to read"
NAMED = "A letter in the report may name the patient: the key needs findings:read too"
FINDINGS_AT_ONCE, READ_AT_ONCE = 50, 100
# A page ends after this many groups, even if fewer resources match.
MOST_GROUPS = 500
OWN_IDENTIFIERS = {"Patient": "accounts", "DiagnosticReport": "findings", "Media": "photos",
                   "BodyStructure": "spots"}  # fmt: skip


class Group(NamedTuple):
    key: str
    resources: Iterable[Resource]


class FoundPage(NamedTuple):
    """All changes before `complete_until` are on this page or a following one."""

    resources: list[Resource]
    complete_until: datetime
    following: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirService:
    changes: ChangedFindings
    findings: FindingAccess
    reports: ReportsService
    lesions: LesionsService
    accounts: Accounts
    patients: PatientsService
    base: str

    def read(self, kind: Kind, identifier: str, *, to: Subject) -> Resource:
        for resource in self._find(kind, identifier, to):
            if (resource["resourceType"], resource["id"]) == (kind.name, identifier):
                return resource
        raise NotFound(NO_RESOURCE)

    def read_finding(self, number: str, *, to: Subject) -> list[Resource]:
        finding, _ = self.findings.get(number=number, to=to, with_errors=True)
        return list(self._of_finding(finding, to))

    def read_binary(self, identifier: str, *, to: Subject) -> tuple[bytes, str]:
        number, _, part = identifier.partition("-")
        finding, _ = self.findings.get(number=number, to=to)
        if part == "report":
            if not may_name(to):
                raise Forbidden(NAMED)
            printed = self.reports.print_report(number=number, to=to, language=None)
            return printed, "application/pdf"
        if part not in tuple("123456789"):
            raise NotFound(NO_RESOURCE)
        place = int(part) if len(finding.pictures) > 1 or part != "1" else None
        content = self.findings.read_kept_photo(number=number, picture=place, to=to)
        return content, "image/jpeg"

    def get_patient(self, identifier: str, *, to: Subject) -> Account:
        account = self.accounts.find_patient(identifier) if ID.fullmatch(identifier) else None
        if account is None or not self._may_read(account, to):
            raise NotFound(NO_RESOURCE)
        self.findings.note_read([account.id], by=to)
        return account

    def page(self, search: Search, *, to: Subject) -> FoundPage:
        cursor = search.cursor or Cursor(now() - LATEST_COMMIT)
        if search.patient and ID.fullmatch(search.patient):
            found = self.accounts.find_patient(search.patient)
            search = replace(search, patient=found.id if found else search.patient)
        return self._cut(self._groups(search, to, cursor.behind), search, cursor)

    def _cut(self, groups: Iterable[Group], search: Search, cursor: Cursor) -> FoundPage:
        page, behind = list[Resource](), cursor.behind
        for looked_at, (key, resources) in enumerate(groups):
            if looked_at == MOST_GROUPS:
                following = Cursor(cursor.complete_until, behind)
                return FoundPage(page, cursor.complete_until, following)
            sent = cursor.sent if key == cursor.key else 0
            for index, resource in enumerate(resources):
                if index < sent or not search.matches(resource):
                    continue
                if len(page) == search.count:
                    following = Cursor(cursor.complete_until, behind, key, index)
                    return FoundPage(page, cursor.complete_until, following)
                page.append(resource)
            behind = key
        return FoundPage(page, cursor.complete_until)

    def _groups(self, search: Search, to: Subject, behind: str) -> Iterator[Group]:
        kind = search.kind
        ids = self._wanted_ids(search, to)
        if ids is not None:
            for index, identifier in enumerate(ids):
                key = f"{index:03x}"
                if key > behind:
                    yield Group(key, self._named(search, identifier, to))
        elif kind.name in OF_FINDINGS:
            for group in self._walk_findings(search, to, search.patient, behind):
                of_kind = (
                    resource
                    for resource in group.resources
                    if resource["resourceType"] == kind.name
                )
                yield Group(group.key, of_kind)
        else:
            for account in self._walk_patients(search.patient, to, behind):
                yield Group(account.id, self._of_patient(kind, account, to))

    def _wanted_ids(self, search: Search, to: Subject) -> list[str] | None:
        told = (search.ids, self._ids_of(search, to), self._ids_of_orders(search, to))
        named = [ids for ids in told if ids is not None]
        if not named:
            return None
        return [identifier for identifier in named[0] if all(identifier in ids for ids in named)]

    def _ids_of(self, search: Search, to: Subject) -> list[str] | None:
        if search.identifiers is None:
            return None
        own = own_system(OWN_IDENTIFIERS[search.kind.name])
        named = [code for system, code in search.identifiers if system in (None, own)]
        if search.kind.name == "Patient":
            for system, code in search.identifiers:
                if not system and not ID.fullmatch(code):  # it can never match
                    raise InvalidQuery(f"identifier: {NO_SYSTEM}")
                if system not in (None, own):
                    # Only for a clinic-wide key: other callers find nobody by it.
                    with suppress(Forbidden, BadRequest, Conflict):
                        account = self.patients.find(system or "", code, by=to)
                        named += [account.id] if account else []
        return named

    def _ids_of_orders(self, search: Search, to: Subject) -> list[str] | None:
        """The reports of these orders. An identifier of another system belongs to the caller, so it
        only finds orders that the caller's account has sent.
        """
        if search.orders is None:
            return None
        named, records = list[str](), self.findings.records
        for system, code in search.orders:
            if system == own_system(ORDERS):
                named.append(code)
                continue
            key = self.key_of_order(system or "", code, by=to)
            filed = records.find_filed(to.id, key) or records.find_by_key(to.id, key)
            named += [str(filed.number)] if filed else []
        return [*dict.fromkeys(named)]

    def key_of_order(self, system: str, value: str, *, by: Subject) -> str:
        return ORDER_KEY + self.patients.hash_identifier("order", by.id, system, value)

    def _named(self, search: Search, identifier: str, to: Subject) -> Iterator[Resource]:
        with suppress(NotFound):
            resource = self.read(search.kind, identifier, to=to)
            owner = resource.get("subject") or resource.get("patient") or {}
            of = (None, str(owner.get("reference")).removeprefix("Patient/"))
            if search.orders is not None and "basedOn" not in resource:
                return
            changed_at = datetime.fromisoformat(resource["meta"]["lastUpdated"])
            if search.patient in of and search.span.holds(changed_at):
                yield resource

    def _find(self, kind: Kind, identifier: str, to: Subject) -> Iterable[Resource]:
        if kind.name in OF_FINDINGS:
            return self.read_finding(identifier.partition("-")[0], to=to)
        if kind.name == "BodyStructure":
            return [body_structure_of(self.lesions.find(lesion=identifier, to=to), to)]
        named, _, _ = identifier.partition("-")
        patient = self.get_patient(named, to=to)
        if kind.name == "Patient" and patient.id != named:
            return [moved_patient(named, patient)]
        return self._of_patient(kind, patient, to)

    def _may_read(self, account: Account, to: Subject) -> bool:
        if to.key and to.key.patient not in (None, account.id):
            return False
        return account.id == to.id or self.findings.may_see_patient(account, to)

    def _of_finding(self, finding: StoredFinding, to: Subject) -> Iterator[Resource]:
        return resources_of(
            finding, self.base, printed=may_name(to), for_doctor=finding.owner != to.id
        )

    def _of_patient(self, kind: Kind, account: Account, to: Subject) -> Iterator[Resource]:
        if kind.name == "Patient":
            yield patient_of(account, to)
        else:
            page_owned = self.lesions.lesions.page_owned
            for spot in read_all(partial(page_owned, account.id), PageRequest(READ_AT_ONCE)):
                if account.id == to.id or self.findings.may_see(account, to, case=spot.id):
                    yield body_structure_of(spot, to)

    def _walk_findings(
        self, search: Search, to: Subject, patient: str | None, behind: str
    ) -> Iterator[Group]:
        def read(paging: PageRequest) -> Page[SeenFinding]:
            span, newest_first = search.span, search.newest_first
            return self.changes.page(
                to=to, patient=patient, span=span, newest_first=newest_first, paging=paging
            )

        for finding, _ in read_all(read, PageRequest(FINDINGS_AT_ONCE, behind or None)):
            yield Group(finding.changed, self._of_finding(finding, to))

    def _walk_patients(self, patient: str | None, to: Subject, behind: str) -> Iterator[Account]:
        clinic_wide = to.key is not None and to.key.clinic_wide
        only = patient or (to.key and to.key.patient)
        if only or not (to.role == "doctor" or clinic_wide):
            with suppress(NotFound):
                account = self.get_patient(only or to.id, to=to)
                if account.id > behind:
                    yield account
            return
        doctor = None if clinic_wide else to.id
        for page in read_pages(
            partial(self.accounts.page_of_doctor, doctor),
            PageRequest(READ_AT_ONCE, behind or None),
        ):
            shown = [
                account
                for account in page.items
                if account.status != "waiting"
                and not account.machine
                and self._may_read(account, to)
            ]
            self.findings.note_read([account.id for account in shown], by=to)
            yield from shown
