"""The use cases of the model in service: classify a photo, replace the model, describe it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from skinapi.registry.serving.prediction_pool import PoolCaller, PredictionPool
from skinapi.registry.serving.served_model import ServedModel
from skinapi.registry.serving.shadow import Shadow
from skinapi.settings import Settings
from skinapi.vision.classification import classify_prepared, prepare_photo
from skinapi.vision.context import NOTHING_TOLD, Context
from skinapi.vision.decoding.photo import Photo, shrink_to_stored, stored_photo
from skinapi.vision.finding.finding import Finding
from skinapi.vision.measures.outline import Shape, measure_shape
from skinapi.vision.network.model import Model
from skinapi.web.request_context import request_id

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClassifiedPhoto:
    """A finding and the photo that it is about.

    `shape` is set where it was asked for and the lesion has a clear outline. `kept` is set where
    the photo is to be kept: the bytes to store (see `stored_photo`).
    """

    finding: Finding
    photo: Photo
    shape: Shape | None = None
    kept: bytes | None = field(default=None, repr=False)


class RegistryService:
    def __init__(
        self, *, served: ServedModel, pool: PredictionPool, shadow: Shadow | None = None
    ) -> None:
        self.served, self._pool, self._shadow = served, pool, shadow

    def classify_photo(
        self,
        *,
        content: bytes,
        caller: PoolCaller,
        context: Context = NOTHING_TOLD,
        measure: bool = False,
        keep: bool = False,
    ) -> ClassifiedPhoto:
        """Classify a photo in the prediction pool, whose places are shared fairly among callers.

        With `measure` the lesion's shape is measured too; with `keep` the result holds the bytes of
        the photo to store. Raises Refused, NoModel, and Unavailable when the queue is full.
        """
        classify = partial(_classify, self.served.model, content, context, measure, keep)
        classified = self.run_in_pool(classify, caller=caller)
        if self._shadow and self._shadow.wants():
            judge = partial(self._shadow.judge, content, context, classified.finding, request_id())
            if not self._pool.run_idle(judge):
                self._shadow.drop()
        return classified

    def run_in_pool(self, work: Callable[[], T], *, caller: PoolCaller) -> T:
        """What `work` returns: something whose cost grows with pictures. Raises Unavailable when
        the queue is full.
        """
        return self._pool.run(work, caller=caller)


def _classify(
    model: Model, content: bytes, context: Context, measure: bool, keep: bool
) -> ClassifiedPhoto:
    """All work whose cost grows with the picture. It runs in the prediction pool, so only for as
    many pictures at a time as the engine has streams.
    """
    prepared = prepare_photo(content)
    finding = classify_prepared(model, prepared, context)
    shape = measure_shape(prepared.photo) if measure else None
    kept = stored_photo(content) if keep else None
    return ClassifiedPhoto(finding, shrink_to_stored(prepared.photo), shape, kept)


def announce_model(settings: Settings, served: ServedModel) -> str:
    """The line that `serve` prints about its model."""
    if not served.loaded:
        return "none, so no photo can be judged: set MODEL_PATH"
    card = served.model.card
    if settings.engine_url:
        return f"{card.version} (on the inference server)"
    return f"{card.version} ({card.precision.value})"
