import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from skinapi.accounts.admin.usage import REPORTS, DailyCounts
from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import NotFound, SkinAPIError
from skinapi.base.languages import LANGUAGES, Language, known_language
from skinapi.base.subject import Allowances
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.events import FindingDeleted
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.letters import Letters, show_letter
from skinapi.findings.records.schemas.practice import Practice
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.narrator import Narrator
from skinapi.findings.reports.report import (
    Pictures,
    Report,
    ReportedPatient,
    SealView,
    print_pictures,
)
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.verification import (
    IssuedReport,
    IssuedReports,
    Verified,
    find_change,
    seal_report,
)
from skinapi.model.context import Context, SpokenPlace
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

HASH = re.compile("[0-9a-f]{64}")
PDF_MODULE = "skinapi.findings.reports.pdf_document"
PAGE = re.compile(rb"/Type /Page\b")


class SpotPlaces(Protocol):
    def find_other_place(self, lesion: str, told: Context) -> SpokenPlace | None:
        """Return None if the place entered with the photo is that of the spot."""
        ...


def print_pdf(report: Report) -> bytes:
    # Imported here so that the server starts without ReportLab and its fonts.
    pdf: bytes = importlib.import_module(PDF_MODULE).render_pdf(report)
    return pdf


class NoSuchLanguage(SkinAPIError):
    status, code = 406, "no_such_language"
    sentence = "There are no words in this language; the languages are"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsService:
    findings: FindingAccess
    letters: Letters
    places: SpotPlaces
    issued: IssuedReports
    work: UnitOfWork
    narrator: Narrator
    allowances: Allowances
    usage: DailyCounts
    clinic: str | None
    address: str

    def read_report(
        self,
        *,
        number: str,
        to: Subject,
        language: str | None,
        reader: PassageReader = "patient",
        issue: bool = True,
    ) -> Report:
        """Unless `issue` is false, the report is issued and its finding counts as opened."""
        get = self.findings.open if issue else self.findings.get
        finding, owner = get(number=number, to=to)
        return self._report_on(finding, owner, to, language, reader=reader, issue=issue)

    def read_illustrated_report(
        self, *, number: str, to: Subject, language: str | None, reader: PassageReader
    ) -> Report:
        self.count_rendering(to)
        finding, owner = self.findings.open(number=number, to=to)
        report = self._report_on(finding, owner, to, language, reader=reader)
        return self.with_pictures(report, finding, to)

    def print_report(
        self, *, number: str, to: Subject, language: str | None, reader: PassageReader = "patient"
    ) -> bytes:
        """Print and store the PDF once, and again only if the photo was damaged."""
        finding, owner = self.findings.open(number=number, to=to)
        report = self._report_on(finding, owner, to, language, reader=reader)
        issued = self.issued.find_by_hash(report.seal.hash) if report.seal else None
        kept = self.issued.read_pdf(issued) if issued else None
        if kept:
            self.findings.photos.note_read(finding=finding, by=to)
            return kept
        self.count_rendering(to)
        illustrated = self.with_pictures(report, finding, to)
        printed = print_pdf(illustrated)
        if issued and not illustrated.photo_damaged:  # the photo may be restored from a backup
            self.issued.keep_pdf(issued, printed, len(PAGE.findall(printed)))
        return printed

    def count_rendering(self, by: Subject) -> None:
        """Call it before the PDF or HTML is made."""
        self.allowances.count_rendering(by.id, by.role)

    def report_stated_finding(
        self, *, condition: str, confidence: float, by: Subject, language: str | None
    ) -> Report:
        account = by.account
        outputs = self.findings.models.list_outputs()
        facts = Facts.as_stated(condition=condition, confidence=confidence, outputs=outputs)
        chosen = _parse_language(language) or account.language
        narrative = self.narrator.narrate(
            facts=facts,
            language=chosen,
            llm=self.narrator.has_llm,
            consents=account.consents,
            account=account.id,
        )
        return Report(facts=facts, narrative=narrative, clinic=self.clinic)

    def print_unkept(
        self, *, facts: Facts, pictures: Pictures, translations: tuple[tuple[str, str], ...]
    ) -> bytes:
        """Print a report in English for a client without an account. Nothing is stored."""
        report = Report(
            facts=facts,
            narrative=write_template(facts, "en"),
            clinic=self.clinic,
            pictures=pictures,
            translations=translations,
        )
        return print_pdf(report)

    def verify(self, *, hash: str) -> Verified | None:
        issued = self.issued.find_by_hash(hash) if HASH.fullmatch(hash) else None
        finding = self.findings.records.find(issued.submission) if issued else None
        if issued is None or finding is None:
            return None
        if finding.error:
            return Verified(issued, finding.number, None, finding.error.entered_at)
        letters = self.letters.list_signed(finding.id)
        spot = self.findings.records.spots.get(finding.lesion).spot
        withdrawn_at = self._find_withdrawn(finding)
        changed_at = find_change(issued, spot, letters, model_withdrawn_at=withdrawn_at)
        return Verified(issued, finding.number, changed_at)

    def _report_on(
        self,
        finding: StoredFinding,
        owner: Account,
        to: Subject,
        language: str | None,
        *,
        reader: PassageReader = "patient",
        issue: bool = True,
    ) -> Report:
        chosen = _parse_language(language) or finding.language
        facts = Facts.from_finding(finding.finding, finding.context)
        decision, said = finding.decision, finding.instruction
        own = said.is_answer_about(finding.number, finding.band)
        narrative = self.narrator.narrate(
            facts=facts,
            language=chosen,
            llm=self.narrator.has_llm,
            consents=owner.consents,
            account=owner.id,
            reader=reader,
            decision=None if own else decision,
            elsewhere=not own and not (decision and decision.instructs),
        )
        signed = self.letters.list_signed(finding.id)
        report = Report(
            facts=facts,
            narrative=narrative,
            reader=reader,
            clinic=self.clinic,
            number=finding.number,
            patient=ReportedPatient(name=owner.name, email=owner.email),
            made_at=finding.created_at,
            review=finding.current_review,
            decision=decision,
            letters=tuple(show_letter(item, finding) for item in signed),
            model_withdrawn_at=self._find_withdrawn(finding),
            version=finding.version,
            judged_at=finding.judged_at,
            corrected=finding.corrected,
            amended=finding.amended,
            amended_at=finding.amended_at,
            instruction=said,
            changes=tuple(finding.spot_view.list_changes()),
            practice=self._find_practice(finding, owner),
            spot_place=self.places.find_other_place(finding.lesion, finding.context),
        )
        code = seal_report(report, finding=finding.id, spot_version=finding.spot.version)
        if issue:
            issued: IssuedReport | None = self._issue(
                finding,
                by=to,
                language=chosen,
                reader=reader,
                hash=code,
                spot_version=finding.spot.version,
            )
        else:
            issued = self._find_issued(finding, code)
        seal = None
        if issued:
            url = f"{self.address}/reports/verify/{code}"
            seal = SealView(hash=code, url=url, issued_at=issued.created_at)
        return replace(report, content_hash=code, seal=seal)

    def _find_withdrawn(self, finding: StoredFinding) -> datetime | None:
        version = finding.finding.model_version
        return self.findings.models.find_version_state(version).withdrawn_at

    def _find_practice(self, finding: StoredFinding, owner: Account) -> Practice | None:
        looks = self.findings.unassigned.find_who_looks(owner)
        return Practice.from_reviewer(looks, decided=finding.decision is not None)

    def _find_issued(self, finding: StoredFinding, hash: str) -> IssuedReport | None:
        if not self.findings.records.has(finding.id):
            self._forget_beside(finding)
            raise NotFound(NOT_YOURS)
        return self.issued.find_by_hash(hash)

    @atomic
    def _forget_beside(self, unit: Unit, finding: StoredFinding) -> None:
        unit.publish(FindingDeleted(finding))

    def _issue(
        self, finding: StoredFinding, *, by: Subject, hash: str, **fields: Any
    ) -> IssuedReport:
        add = partial(self._add_issued, finding, by, {"hash": hash, **fields})
        try:
            return find_or_make(partial(self.issued.find_by_hash, hash), add)
        except NotFound:  # it was deleted while the words were written
            self._forget_beside(finding)
            raise

    @atomic
    def _add_issued(
        self, unit: Unit, finding: StoredFinding, by: Subject, fields: Mapping[str, Any]
    ) -> IssuedReport:
        unit.audit("report.issue", by=by.id, target=finding.id, owner=finding.owner)
        self.findings.rely_on(finding)
        unit.afterwards(partial(self.usage.add, REPORTS))
        version = finding.finding.model_version
        return self.issued.add(submission=finding.id, model_version=version, **fields)

    def with_pictures(self, report: Report, finding: StoredFinding, to: Subject) -> Report:
        photo = self.findings.photos.open(finding=finding, to=to)
        if photo is None:
            lost, damaged = finding.photo_lost_at, finding.photo_blob
            return replace(report, photo_lost=bool(lost), photo_damaged=damaged is not None)
        shown, others = finding.finding.shown_picture, []
        for index, alone in enumerate(finding.pictures):
            # The access was already noted above.
            if index != shown and (other := self.findings.photos.find_opened(alone)):
                others.append(
                    (
                        index + 1,
                        print_pictures(other, alone.finding.heat, alone.finding.quality.seen),
                    )
                )
        pictures = print_pictures(photo, finding.finding.heat, finding.finding.quality.seen)
        return replace(report, pictures=pictures, other_pictures=tuple(others))


def _parse_language(language: str | None) -> Language | None:
    if language is None:
        return None
    known = known_language(language)
    if known is None:
        raise NoSuchLanguage(f"{NoSuchLanguage.sentence}: {', '.join(LANGUAGES)}")
    return known
