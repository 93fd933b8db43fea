"""What research gets of reviewed findings: a row each, of patients who consent to it.

A row has closed sets and numbers alone: no picture, no free text, no name, and no date finer than
the month. Its codes are other ones than those in data sets, so that the two cannot be joined.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from skinapi.auth.accounts import RESEARCH_CONSENT, Accounts
from skinapi.domain.subject import Subject
from skinapi.lab.reviewed_findings import Pseudonyms, open_pseudonyms
from skinapi.records.reviews import Review, Reviews, deciding_review
from skinapi.records.submission import ReviewedFacts
from skinapi.records.submissions import Submissions
from skinapi.storage.ports import Store
from skinapi.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic
from skinapi.vision.conditions import conditions_table

READ_AT_ONCE = 100
# In the audit trail, a row for each patient of an export.
ACTION = "finding.to_research"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchRow:
    """A reviewed finding. `probabilities` are those of the model by condition; `condition` is what
    the review that counts names, `histology` what the laboratory found.
    """

    finding: str
    patient: str
    month: str
    age_band: str | None
    sex: str | None
    body_site: str | None
    fitzpatrick: int | None
    skin_tone: str | None
    modality: str
    model_version: str
    band: str
    stated: str
    malignant_score: float
    probabilities: dict[str, float]
    condition: str | None
    certainty: str
    urgency: str | None
    histology: str | None


PLAIN = [name for name in ResearchRow.__dataclass_fields__ if name != "probabilities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchExport:
    work: UnitOfWork
    store: Store
    submissions: Submissions
    reviews: Reviews
    accounts: Accounts

    def walk(self, *, by: Subject) -> Iterator[list[ResearchRow]]:
        """The rows, some at a time. Whose they are is in the audit trail before they are given out;
        a consent that is withdrawn meanwhile counts for all rows that come later.
        """
        noted, pseudonyms = set[str](), open_pseudonyms(self.store)
        after: str | None = None
        while True:
            read, taken = self._read(after, by, noted)
            noted.update(facts.owner for facts, _ in taken)
            yield [_row_of(facts, signed, pseudonyms) for facts, signed in taken]
            if len(read) < READ_AT_ONCE:
                return
            after = read[-1].queue_key

    @atomic
    def _read(
        self, unit: Unit, after: str | None, by: Subject, noted: set[str]
    ) -> tuple[list[ReviewedFacts], list[tuple[ReviewedFacts, Review]]]:
        """The next findings, and those of them that may be given out with the review that counts.
        Of patients that are not `noted` yet a row is added to the audit trail.
        """
        read = self.submissions.list_reviewed(after=after, limit=READ_AT_ONCE)
        owners = self.accounts.by_ids({one.owner for one in read})
        agreed = {
            identifier
            for identifier, owner in owners.items()
            # Who is suspended cannot withdraw a consent, and who leaves gives nothing new.
            if owner.approved and owner.stays and owner.consents.get(RESEARCH_CONSENT)
        }
        may_be_given = [one for one in read if one.owner in agreed]
        signed = self.reviews.list_of_each([one.id for one in may_be_given])
        taken = [
            (one, decides)
            for one in may_be_given
            if (decides := deciding_review(signed.get(one.id, [])))
        ]
        for owner in sorted({facts.owner for facts, _ in taken} - noted):
            unit.record(AuditRow(ACTION, by=by.id, target=owner, owner=owner))
        return read, taken


def _row_of(facts: ReviewedFacts, decides: Review, pseudonyms: Pseudonyms) -> ResearchRow:
    context, finding, opinion = facts.context, facts.finding, decides.opinion
    return ResearchRow(
        finding=pseudonyms.of("research finding", facts.id),
        patient=pseudonyms.of("research patient", facts.owner),
        month=f"{facts.photographed_at:%Y-%m}",
        age_band=context.age_band,
        sex=context.sex,
        body_site=context.body_site,
        fitzpatrick=context.fitzpatrick,
        skin_tone=context.skin_tone,
        modality=context.modality,
        model_version=finding.model_version,
        band=finding.band,
        stated=finding.stated,
        malignant_score=round(finding.malignant_score, 4),
        probabilities={one.key: round(one.probability, 4) for one in finding.ranked},
        condition=opinion.label,
        certainty=opinion.certainty,
        urgency=opinion.urgency,
        histology=opinion.histology_result,
    )


def lines_of(batches: Iterator[list[ResearchRow]]) -> Iterator[str]:
    """A row a line, as JSON."""
    for rows in batches:
        yield from (f"{json.dumps(asdict(row))}\n" for row in rows)


def table_of(batches: Iterator[list[ResearchRow]]) -> Iterator[str]:
    """As CSV, with a column for the probability of each condition."""
    conditions = conditions_table().keys
    written = io.StringIO(newline="")
    writer = csv.DictWriter(
        written, [*PLAIN, *(f"p_{key}" for key in conditions)], extrasaction="ignore"
    )
    writer.writeheader()
    for rows in batches:
        for row in rows:
            fields = {name: getattr(row, name) for name in PLAIN}
            writer.writerow(fields | {f"p_{key}": p for key, p in row.probabilities.items()})
        yield written.getvalue()
        written.seek(0)
        written.truncate()
