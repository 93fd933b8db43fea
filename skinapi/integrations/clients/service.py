"""The use case that all these clients share: classify a photo without storing it."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from skinapi.accounts.admin.usage import PhotoCounts
from skinapi.base.allowances import Allowances
from skinapi.base.errors import BadRequest, Refused, Unauthenticated
from skinapi.base.size_limits import photo_too_large
from skinapi.base.subject import Subject
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import print_pictures
from skinapi.findings.reports.service import ReportsService
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.registry.prediction_pool import PoolCaller
from skinapi.model.registry.service import ClassifiedPhoto, InferenceService
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.web.declaration import closed_to
from skinapi.platform.web.rate_limits import caller_address, caller_site

DATA_URL = re.compile(r"data:image/(?:jpeg|jpg|png|webp);base64,", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientsService:
    registry: InferenceService
    reports: ReportsService
    trail: AuditTrail
    counts: PhotoCounts
    open_clients: Collection[str]
    largest_photo: int
    allowances: Allowances

    def classify_photo(
        self, *, content: bytes, by: Subject | None, measure: bool = False
    ) -> ClassifiedPhoto:
        """Classify a photo; with `measure`, measure the lesion's shape too.

        Only a row of the audit trail is stored (which model, which band), and the day's numbers
        grow. The probabilities are the model's own, whatever PREVALENCE is: these clients know of
        no other. Raises Refused, PredictionQuotaReached.
        """
        if by:
            self.allowances.count_photos(by.id, by.role)
            caller = PoolCaller(by.id, signed_in=True)
        else:
            self.allowances.count_photos(caller_address(), None)
            caller = PoolCaller(caller_site(), signed_in=False)
        try:
            classified = self.registry.classify_photo(
                content=content, caller=caller, measure=measure
            )
        except Refused:
            self.counts.add_refused(self.registry.served.model.version)
            raise
        finding = classified.finding.by_own_mix()
        by_whom = by.id if by else "anonymous"
        self.trail.record(
            AuditRow(f"finding.{finding.band}", by=by_whom, target=finding.model_version)
        )
        self.counts.add_finding(finding)
        return replace(classified, finding=finding)

    def print_report(
        self, *, classified: ClassifiedPhoto, translations: tuple[tuple[str, str], ...]
    ) -> bytes:
        """The report as PDF. `translations` are rows in the client's own words."""
        return self.reports.print_unkept(
            facts=Facts.of(classified.finding, NOTHING_TOLD),
            pictures=print_pictures(classified.photo, classified.finding.heat),
            translations=translations,
        )

    def decode_photo(self, *, text: str) -> bytes:
        """The bytes of a photo in base64, with or without the beginning of a data URL.

        Raises BadRequest, PayloadTooLarge.
        """
        # https://www.rfc-editor.org/rfc/rfc2397
        head = DATA_URL.match(text)
        if text.startswith("data:") and not head:
            raise BadRequest("The data URL must hold a JPEG, PNG or WebP picture in base64")
        try:
            content = base64.b64decode(text[head.end() if head else 0 :], validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadRequest("The picture is not valid base64") from error
        if not content:
            raise BadRequest("No image uploaded")
        if len(content) > self.largest_photo:
            raise photo_too_large(self.largest_photo)
        return content

    def refuse_closed(self, *, client: str, caller: Subject | None) -> None:
        """Raises Unauthenticated where the operator did not open this client and there is no token.

        For paths that several clients share: opening one of them must not open the others.
        """
        if caller is None and client not in self.open_clients:
            raise Unauthenticated(closed_to(client))
