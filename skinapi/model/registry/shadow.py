"""Shadow mode: a candidate judges a share of the photos in the background, after the answer, and
the two findings are compared. Nobody sees its finding, and no picture is kept.
"""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from skinapi.base.errors import Refused, SkinAPIError
from skinapi.base.logs import log
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.model.classification import classify_prepared, prepare_photo
from skinapi.model.context import Context
from skinapi.model.finding import Finding
from skinapi.model.network.model import Model
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Records

KEPT_FOR = timedelta(days=90)
SHARE = 0.1  # of the photos that the candidate judges, where no photo waits


class Disagreement(StoredRecord):
    """Two findings of one photo that differ in the band or in the most probable condition. The
    shadow's are None where it refused the photo.
    """

    id: str
    created_at: datetime
    version: str
    serving_version: str
    request_id: str | None = None
    band: str
    shadow_band: str | None = None
    label: str
    shadow_label: str | None = None
    largest_difference: float | None = None
    """It is the largest difference between the two probabilities of one condition."""


class ShadowCounts(StoredRecord):
    judged: int = 0
    other_band: int = 0
    other_label: int = 0
    refused: int = 0
    dropped: int = 0


class ShadowResults(Records[Disagreement]):
    """The counts, one document for each version, and the disagreements, kept for 90 days."""

    collection, record = "shadow_results", Disagreement
    indexes = (("version", "id"),)
    expiry = "expires_at"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._counts = store.collection("shadow_counts")

    def count(self, version: str, **amounts: int) -> None:
        self._counts.update({"id": version}, {"$inc": amounts}, upsert=True)

    def add(self, disagreement: Disagreement) -> None:
        self.insert(disagreement, expires_at=disagreement.created_at + KEPT_FOR)

    def read_counts(self, version: str) -> ShadowCounts:
        return ShadowCounts.model_validate(self._counts.get(version) or {})

    def page_disagreements(self, version: str, paging: PageRequest) -> Page[Disagreement]:
        return self._page({"version": version}, paging)

    def forget(self, version: str) -> None:
        self._documents.delete({"version": version})
        self._counts.delete({"id": version})


class Shadow:
    """`served` holds the candidate, where there is one."""

    def __init__(
        self,
        *,
        served: ServedModel,
        results: ShadowResults,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._served = served
        self._shadow_results = results
        self._dice = dice
        self._lock = threading.Lock()
        self._dropped = 0

    def wants(self) -> bool:
        """Whether the candidate is to judge this photo."""
        return self._served.loaded and self._dice() < SHARE

    def drop(self) -> None:
        """Count a photo for which there was no time. It is stored with the next result."""
        with self._lock:
            self._dropped += 1

    def judge(
        self, content: bytes, context: Context, finding: Finding, request_id: str | None
    ) -> None:
        """Judge the photo, and compare. Nothing that fails here may matter to anybody."""
        try:
            model = self._served.model
            other = _classify(model, content, context)
            compared = _compare(model.version, finding, other, request_id)
            with self._lock:
                dropped, self._dropped = self._dropped, 0
            self._shadow_results.count(
                model.version,
                judged=1,
                other_band=int(compared.shadow_band != compared.band),
                other_label=int(compared.shadow_label != compared.label),
                refused=int(other is None),
                dropped=dropped,
            )
            if (compared.band, compared.label) != (compared.shadow_band, compared.shadow_label):
                self._shadow_results.add(compared)
        except SkinAPIError as error:
            log.error("shadow failed", reason=error.code)
        except Exception as error:  # noqa: BLE001 (a candidate may fail in any way)
            log.error("shadow failed", reason=type(error).__name__)


def _classify(model: Model, content: bytes, context: Context) -> Finding | None:
    """None where the candidate refuses what the model in service judged."""
    try:
        return classify_prepared(model, prepare_photo(content), context)
    except Refused:
        return None


def _compare(
    version: str, finding: Finding, other: Finding | None, request_id: str | None
) -> Disagreement:
    first = {entry.key: entry.probability for entry in finding.ranked}
    second = {entry.key: entry.probability for entry in other.ranked} if other else {}
    return Disagreement(
        id=new_id(),
        created_at=now(),
        version=version,
        serving_version=finding.model_version,
        request_id=request_id,
        band=finding.band.value,
        shadow_band=other.band.value if other else None,
        label=finding.ranked[0].key,
        shadow_label=other.ranked[0].key if other else None,
        largest_difference=max(
            (abs(first[key] - second[key]) for key in first.keys() & second.keys()), default=None
        ),
    )
