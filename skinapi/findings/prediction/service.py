import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from skinapi.accounts.admin.usage import REFUSED, DailyCounts
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.consents import PatientChannel
from skinapi.base.errors import BadRequest, NotFound, Refused, Unprocessable
from skinapi.base.languages import Language
from skinapi.base.subject import Allowances
from skinapi.findings.errors import NOT_YOURS, StorageQuotaReached
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.new_findings import NewFinding, PhotoChoice
from skinapi.findings.records.service import FindingsService, PatientRegistration
from skinapi.findings.records.stored_finding import PLACE, Source, StoredFinding
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.narrator import Narrator
from skinapi.findings.reports.report import Narrative, Report
from skinapi.findings.status.spot import Level
from skinapi.model.context import NOTHING_TOLD, Context, age_band_of
from skinapi.model.finding import Doubt, Finding
from skinapi.model.network.model import Model
from skinapi.model.refusals import Reason, translate_refusal
from skinapi.model.registry.inference import ClassifiedPictures, InferenceService
from skinapi.model.registry.prediction_pool import PoolCaller
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit


class MaybeDifferentSpots(Unprocessable):
    code, sentence = "maybe_different_spots", "The pictures may show different spots"

    def __init__(self, apart: tuple[int, int]) -> None:
        first, second = (place + 1 for place in apart)
        super().__init__(
            f"Pictures {first} and {second} may show different spots. Send each spot by itself, or "
            "send same_spot=true if all of them show one."
        )


IN_OTHER_SPOT = "The finding that `in_place_of` names is in another spot than `lesion`"
SKIN = "skin"
SAMPLE = PoolCaller("sample", signed_in=False)


class OpenLesions(Protocol):
    def require_open(self, owner: str, lesion: str, told: Context) -> None:
        """Raise NotFound, LesionFull or OtherPlace if the spot cannot take this finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPhotos:
    """Photos of one spot. `in_place_of` is the number of a finding whose photo is taken again."""

    contents: Sequence[bytes] = field(repr=False)
    context: Context
    same_spot: bool = False
    ask_about_skin: bool = False
    language: Language | None = None
    keep_photo: bool | None = None
    lesion: str | None = None
    in_place_of: str | None = None
    key: str | None = None
    way: PatientChannel = "photo"
    source: Source | None = None
    former: Level | None = None
    before_commit: Callable[[Unit, str], None] | None = None

    @property
    def request_hash(self) -> str:
        about = filter(None, [self.lesion, self.in_place_of])
        beside = (self.language, self.keep_photo, *about)
        return _hash(self.contents, self.context, *beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    records: FindingRecords
    most_findings: int
    allowances: Allowances

    def count_photos(self, owner: Account, photos: int) -> None:
        """Call it before classification, to limit concurrent photos by their own number."""
        if self.records.count_of(owner.id) >= self.most_findings:
            raise StorageQuotaReached(self.most_findings)
        self.allowances.count_photos(owner.id, owner.role, photos)


@dataclass(slots=True, kw_only=True)
class SamplePicture:
    content: bytes
    inference: InferenceService
    _finding: Finding | None = field(default=None, init=False)

    def judge(self) -> Finding:
        """Classify the sample once per model, so that anonymous callers cost nothing more."""
        finding = self._finding
        if finding is None or not is_made_by(self.inference.served.model, finding):
            finding = self.inference.classify_photo(content=self.content, caller=SAMPLE).finding
            self._finding = finding
        return finding


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionService:
    inference: InferenceService
    findings: FindingsService
    lesions: OpenLesions
    narrator: Narrator
    llm: bool
    quotas: Quotas
    counts: DailyCounts
    sample: SamplePicture

    def predict(
        self,
        *,
        owner: Account,
        sent: SentPhotos,
        by: Subject | None = None,
        newcomer: PatientRegistration | None = None,
    ) -> StoredFinding:
        """Repeating a request with the same key returns the first finding and counts nothing."""
        request_hash, language = sent.request_hash, sent.language or owner.language
        if by and by.id != owner.id:
            sent = replace(sent, context=_fill_in(sent.context, owner))
        answered = self.findings.find_answered(
            owner=owner.id,
            key=sent.key,
            request_hash=request_hash,
            by=by.id if by else None,
        )
        if answered:
            return answered
        if sent.in_place_of and by:
            sent = self._put_in_place(sent, sent.in_place_of, owner, by)
        elif sent.lesion:
            self.lesions.require_open(owner.id, sent.lesion, sent.context)
        self.quotas.count_photos(owner, len(sent.contents))
        classified = self._classify(owner, sent, caller=by.id if by else owner.id)
        new = NewFinding(
            owner=owner.id,
            finding=classified.finding,
            photos=classified.kept,
            context=sent.context,
            language=language,
            **self.narrate(classified.finding, sent.context, language, owner),
            lesion=sent.lesion,
            key=sent.key,
            request_hash=request_hash,
            by=by.id if by else None,
            session_of=by.key.session_of if by and by.key else None,
            choice=_choice_of(sent, by or owner),
            source=sent.source,
            former=sent.former,
            before_commit=sent.before_commit,
        )
        return self.findings.file_finding(new, newcomer)

    def _put_in_place(
        self, sent: SentPhotos, number: str, owner: Account, by: Subject
    ) -> SentPhotos:
        replaced, found = self.findings.access.get(number=number, to=by)
        if found.id != owner.id:
            raise NotFound(NOT_YOURS)
        if sent.lesion not in (None, replaced.lesion):
            raise BadRequest(IN_OTHER_SPOT)
        self.lesions.require_open(owner.id, replaced.lesion, sent.context)
        told = {name: getattr(replaced.context, name) for name in PLACE}
        known = {name: value for name, value in told.items() if value and told["body_site"]}
        return replace(sent, lesion=replaced.lesion, context=sent.context.model_copy(update=known))

    def narrate(
        self, finding: Finding, context: Context, language: Language, owner: Account
    ) -> dict[str, Any]:
        return _fields_of(
            self.narrator.narrate(
                # The Angular app shows these words next to the model's own probability.
                facts=Facts.from_finding(finding.by_own_mix(), context),
                language=language,
                llm=self.llm,
                consents=owner.consents,
                account=owner.id,
            )
        )

    def predict_without_storing(
        self, *, owner: Account, sent: SentPhotos, by: Subject
    ) -> StoredFinding:
        """Judge and count the photos of a test key, but return the sample and store nothing."""
        if sent.lesion:
            self.lesions.require_open(owner.id, sent.lesion, sent.context)
        payer = owner.model_copy(update={"id": by.counted_as})
        self.quotas.count_photos(payer, len(sent.contents))
        self._classify(owner, sent, caller=payer.id, counted=False)
        language = sent.language or owner.language
        finding, report = self.classify_sample(language=language)
        new = NewFinding(
            owner=owner.id,
            finding=finding,
            context=sent.context,
            language=language,
            **_fields_of(report.narrative),
            request_hash=sent.request_hash,
        )
        return new.as_stored(number=0)

    def _classify(
        self, owner: Account, sent: SentPhotos, *, caller: str, counted: bool = True
    ) -> ClassifiedPictures:
        try:
            classified = self.inference.classify_pictures(
                contents=sent.contents,
                same_spot=sent.same_spot,
                caller=PoolCaller(caller, signed_in=True),
                context=sent.context,
                keep=counted and self.findings.photos.may_keep(owner, sent.keep_photo, by=caller),
            )
            if sent.ask_about_skin:
                _refuse_doubted_skin(classified.finding)
        except Refused as refused:
            self._count_or_ask(refused, ask_about_skin=sent.ask_about_skin, counted=counted)
            language, told = sent.language or owner.language, sent.context.checklist or ()
            raise translate_refusal(refused, language, told) from refused
        if classified.apart:
            raise MaybeDifferentSpots(classified.apart)
        return classified

    def _count_or_ask(self, refused: Refused, *, ask_about_skin: bool, counted: bool) -> None:
        """If someone can answer, even a photo that surely shows no skin becomes a question."""
        if refused.question is None and counted:
            self.counts.add(REFUSED)
        if ask_about_skin and refused.reason == Reason.NOT_SKIN:
            refused.question = SKIN

    def classify_sample(self, *, language: Language) -> tuple[Finding, Report]:
        finding = self.sample.judge()
        facts = Facts.from_finding(finding, NOTHING_TOLD)
        return finding, Report(
            facts=facts, narrative=self.narrator.narrate(facts=facts, language=language)
        )


def is_made_by(model: Model, finding: Finding) -> bool:
    """Return True only if the operating point is still in use, too."""
    in_use = model.version, model.calibration.point_in_use
    return in_use == (finding.model_version, finding.operating_point)


def _fill_in(context: Context, owner: Account) -> Context:
    """A year of birth leaves two possible ages. The lower one is certain to be reached."""
    told: dict[str, Any] = {"sex": context.sex or owner.sex}
    years = max(now().year - owner.birth_year - 1, 0) if owner.birth_year else None
    if context.age_band is None and (age_band := age_band_of(years)):
        told |= {"age": years, "age_band": age_band}
    return context.model_copy(update=told)


def _fields_of(narrative: Narrative) -> dict[str, Any]:
    return {
        "sections": narrative.sections.model_dump(),
        "narrative_source": narrative.source.model_dump(
            mode="json", exclude={"kept", "written", "checker"}
        ),
    }


def _choice_of(sent: SentPhotos, by: Subject | Account) -> PhotoChoice:
    keyed = isinstance(by, Subject) and by.key and sent.way == "photo"
    return PhotoChoice(sent.keep_photo, by=by.id, way="key" if keyed else sent.way)


def _refuse_doubted_skin(finding: Finding) -> None:
    for index, picture in enumerate(finding.pictures or (finding,), 1):
        if Doubt.NOT_SURELY_SKIN in picture.reasons:
            figures = {"picture": index} if finding.pictures else {}
            raise Refused(Reason.NOT_SURELY_SKIN, figures=figures, question=SKIN)


def _hash(contents: Sequence[bytes], context: Context, *rest: object) -> str:
    first, *others = contents
    digest = hashlib.sha256(first)
    for content in others:
        digest.update(hashlib.sha256(content).digest())
    told = json.dumps(context.for_hash(), ensure_ascii=False, separators=(",", ":"))
    digest.update(told.encode())
    digest.update(repr(rest).encode())
    return digest.hexdigest()
