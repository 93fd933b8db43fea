import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Literal

from skinapi.accounts.admin.usage import REFUSED, DailyCounts
from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.authorizer import OpenClients
from skinapi.base.errors import BadRequest, Refused, Unauthenticated, Unprocessable
from skinapi.base.size_limits import photo_too_large
from skinapi.base.subject import Allowances
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import print_pictures
from skinapi.findings.reports.service import ReportsService
from skinapi.findings.reports.words import SENTENCES
from skinapi.model.bands import THRESHOLDS, is_sent, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Finding
from skinapi.model.registry.inference import ClassifiedPhoto, InferenceService
from skinapi.model.registry.prediction_pool import PoolCaller
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.web.declaration import closed_to
from skinapi.platform.web.rate_limits import caller_address, caller_site

# https://www.rfc-editor.org/rfc/rfc2397
DATA_URL = re.compile(r"data:image/(?:jpeg|jpg|png|webp);base64,", re.IGNORECASE)
ENGLISH_PHRASES = SENTENCES["en"]
NO_DIAGNOSIS = "Inconclusive - no diagnosis"


# A client's names of conditions. One without a name gets a sentence (docs/clients.md).
Names = dict[str, str]
SEVEN = (
    *("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "benign_keratosis"),
    *("melanocytic_nevus", "dermatofibroma", "vascular_lesion"),
)


def name_seven(*names: str) -> Names:
    return dict(zip(SEVEN, names, strict=True))


# The risk for clients without bands.
Risk = Literal["High", "Medium", "Low"]
HIGHEST_FIRST: tuple[Risk, ...] = ("High", "Medium", "Low")
RISK_OF_BAND: dict[Band, Risk] = {
    Band.URGENT_REFERRAL: "High",
    Band.REFERRAL: "Medium",
    Band.DOCTOR_REVIEW: "Medium",
    Band.ROUTINE: "Low",
    Band.SELF_MONITORING: "Low",
}


class Undecided(Unprocessable):
    """The client can only show a class, which would sound harmless. The sentence says what cannot
    be ruled out and how soon to see a doctor.
    """

    code, sentence = "undecided", "No single answer can be given"


def is_undecided(finding: Finding) -> bool:
    """Return whether the most probable class must not represent the finding.

    This is the case if the finding is in doubt, if its band is more urgent than the named cancer
    alone requires, if a benign condition is most probable but the patient is sent to a doctor, and
    if normal skin is most probable but something indicates a lesion.
    """
    if finding.most_probable == NORMAL_SKIN:
        return _speaks_for_a_lesion(finding)
    if not conditions_table().by_key(finding.most_probable).malignant:
        return not reads_as_benign(finding)
    return finding.uncertain or Facts.from_finding(finding, NOTHING_TOLD).more_urgent


def reads_as_benign(finding: Finding) -> bool:
    """Return whether a client may show a benign class as the result: there is no doubt, and the
    advice is to mention the spot at the next visit, or to watch it.
    """
    malignant = conditions_table().by_key(finding.stated).malignant
    return not (malignant or finding.uncertain or is_sent(finding.band))


def _speaks_for_a_lesion(finding: Finding) -> bool:
    """A band that was raised only because such pictures are little tested does not indicate a
    lesion.
    """
    passed = any(rule in THRESHOLDS for rule in finding.raised_by)
    referred = urgency(finding.band) <= urgency(Band.REFERRAL)
    return finding.uncertain or referred or passed or finding.stated != NORMAL_SKIN


def decided(finding: Finding, names: Names) -> Finding:
    """The finding over the seven classes that these clients know.

    Raises Undecided if no class may represent it or the client has no name for the class, and
    Refused(no_lesion) if normal skin ranks first and nothing indicates a lesion.
    """
    known = finding.within_known_classes()
    if is_undecided(known) or is_undecided(finding):
        raise undecided(finding)
    seven = known.over_seven()
    if name_for(finding, names) is None:
        raise undecided(finding)
    return seven


def name_for(finding: Finding, names: Names) -> str | None:
    """The client's name of the stated class. A carcinoma that counts as another class has none,
    because it would get the name of a milder disease.
    """
    return names.get(finding.headline.one_name.key)


def undecided(finding: Finding) -> Undecided:
    facts = Facts.from_finding(finding, NOTHING_TOLD)
    return Undecided(" ".join([*say_graver(facts), facts.band_words("en").action]))


def over_known_classes(finding: Finding) -> Finding:
    """The finding over the seven classes, for clients that can show an undecided result.

    Raises Refused(no_lesion) if normal skin ranks first and nothing indicates a lesion. If
    something does, the finding keeps normal skin: such a picture is never refused.
    """
    known = finding.within_known_classes()
    if known.most_probable == NORMAL_SKIN and is_undecided(known):
        return known
    return known.over_seven()


def say_graver(facts: Facts) -> list[str]:
    headline = facts.headline.for_patient.en
    if not facts.uncertain or facts.not_skin:
        return [headline]
    doubts = ", ".join(ENGLISH_PHRASES.doubts[doubt] for doubt in facts.reasons)
    return [ENGLISH_PHRASES.uncertain.format(doubts=doubts), headline]


def risk_of(finding: Finding) -> Risk:
    """The higher of the risks of the stated class and of the band. It ignores the confidence,
    because an uncertain melanoma is not a low risk. A picture that does not look like skin has no
    class, so only the band counts.
    """
    severity = conditions_table().by_key(finding.headline.one_name.key).severity
    of_class: Risk = "Low" if severity == "None" or finding.not_skin else severity
    return min(of_class, RISK_OF_BAND[finding.band], key=HIGHEST_FIRST.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientsService:
    inference: InferenceService
    reports: ReportsService
    trail: AuditTrail
    counts: DailyCounts
    opened: OpenClients
    largest_photo: int
    allowances: Allowances

    def classify_photo(
        self, *, content: bytes, by: Subject | None, measure: bool = False
    ) -> ClassifiedPhoto:
        """Classify a photo; with `measure`, also measure the lesion's shape.

        Only an audit row (model and band) and the daily counters are stored. The probabilities are
        the model's own: these clients do not know about PREVALENCE.
        """
        if by:
            self.allowances.count_photos(by.id, by.role)
            caller = PoolCaller(by.id, signed_in=True)
        else:
            self.allowances.count_photos(caller_address(), None)
            caller = PoolCaller(caller_site(), signed_in=False)
        try:
            classified = self.inference.classify_photo(
                content=content, caller=caller, measure=measure
            )
        except Refused:
            self.counts.add(REFUSED)
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
        return self.reports.print_unkept(
            facts=Facts.from_finding(classified.finding, NOTHING_TOLD),
            pictures=print_pictures(
                classified.photo, classified.finding.heat, classified.finding.quality.seen
            ),
            translations=translations,
        )

    def decode_photo(self, *, text: str) -> bytes:
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
        """Refuse a caller without a token unless the operator opened this client. On a path that
        several clients share, opening one must not open the others.
        """
        if caller is None and client not in self.opened.names:
            raise Unauthenticated(closed_to(client))
