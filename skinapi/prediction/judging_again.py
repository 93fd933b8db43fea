"""The use case: let the model in service judge the kept photo of a finding again."""

from skinapi.auth.accounts.accounts import Account
from skinapi.errors import Forbidden, NotFound, Refused
from skinapi.prediction.errors import JudgedByThisModel, NoPhotoToJudge
from skinapi.records.findings.review_queue import in_care
from skinapi.records.findings.submissions import Submission
from skinapi.records.service import Again, RecordsService
from skinapi.registry.service import RegistryService
from skinapi.registry.serving.prediction_pool import PoolCaller
from skinapi.reports.facts import Facts
from skinapi.reports.narrator import Narrator
from skinapi.vision.refusals import translate_refusal
from skinapi.web.access import Subject

NOT_IN_CHARGE = "Only the doctor in charge lets a photo be judged again"
# No caller can send it as an Idempotency-Key: those have no slash.
AGAIN = "again/"


class JudgingAgainService:
    def __init__(
        self, *, registry: RegistryService, records: RecordsService, narrator: Narrator, llm: bool
    ) -> None:
        self._registry = registry
        self._records = records
        self._narrator = narrator
        self._llm = llm

    def judge_again(self, *, number: str, by: Subject) -> tuple[Submission, Account]:
        """A new finding on the kept photos of this one, of the same owner and spot; and its owner.
        The old one stays as it was, with what doctors have decided. It is one more finding of
        the owner and of the spot, and counts for no day's photos. Called again, the result is the
        finding of the first time.

        Raises NotFound, Forbidden, NoPhotoToJudge, JudgedByThisModel, Refused, NoModel,
        Unavailable.
        """
        original, owner = self._records.get(number=number, to=by)
        if not in_care(owner, by):
            raise Forbidden(NOT_IN_CHARGE)
        key = f"{AGAIN}{original.id}"
        if answered := self._records.find_answered(owner=owner.id, key=key, request_hash=key):
            return self._records.get(number=str(answered.number), to=by)
        model, finding = self._registry.served.model, original.finding
        in_use = model.version, model.calibration.point_in_use
        if in_use == (finding.model_version, finding.operating_point):
            raise JudgedByThisModel
        contents = self._read_photos(original)
        # Somebody has judged them to be of skin: the model of then, or the sender.
        of_skin = original.context.model_copy(update={"skin_confirmed": True})
        try:
            classified = self._registry.classify_pictures(
                contents=contents,
                same_spot=True,
                caller=PoolCaller(by.id, signed_in=True),
                context=of_skin,
                keep=False,
            )
        except Refused as refused:
            raise translate_refusal(
                refused, original.language, checklist_score=original.context.checklist_score
            ) from refused
        narrative = self._narrator.narrate(
            facts=Facts.of(classified.finding.by_own_mix(), original.context),
            language=original.language,
            llm=self._llm,
            consents=owner.consents,
        )
        filed = self._records.file_finding(
            owner=owner,
            finding=classified.finding,
            photos=contents,  # as they were kept: to keep one of them anew would change it
            context=original.context,
            language=original.language,
            sections=narrative.sections.model_dump(),
            narrative_source=narrative.source.model_dump(mode="json"),
            lesion=original.lesion,
            key=key,
            request_hash=key,
            again=Again(original, by=by.id),
        )
        return filed, owner

    def _read_photos(self, original: Submission) -> list[bytes]:
        """All of them. Raises NoPhotoToJudge, with the reason."""
        try:
            return [self._records.photos.content_of(picture) for picture in original.pictures]
        except NotFound as missing:
            raise NoPhotoToJudge(missing.detail) from missing
