from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from skinapi.base.errors import (
    Refused,
    StoreUnavailable,
)
from skinapi.model.classification import (
    JudgedPhoto,
    classify_prepared,
    join_photos,
    judge_prepared,
    prepare_photo,
)
from skinapi.model.comparison.alignment import KnownPicture, find_apart
from skinapi.model.comparison.outline import Shape, measure_shape
from skinapi.model.context import NOTHING_TOLD, Context, Modality
from skinapi.model.decoding.photo import Photo, reencode_for_storage, shrink_to_stored
from skinapi.model.finding import Finding
from skinapi.model.network.model import Model
from skinapi.model.registry.prediction_pool import PoolCaller, PredictionPool, ServedModel
from skinapi.model.registry.stored_version import TakenBack
from skinapi.model.registry.version_service import ModelsService

T = TypeVar("T")


# For each condition, its name in each client of an earlier system.
ClientNames = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class ClassifiedPictures:
    finding: Finding
    kept: tuple[bytes, ...] = field(default=(), repr=False)
    apart: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ClassifiedPhoto:
    finding: Finding
    photo: Photo
    shape: Shape | None = None
    kept: bytes | None = field(default=None, repr=False)


class InferenceService:
    def __init__(
        self,
        *,
        served: ServedModel,
        pool: PredictionPool,
        client_names: ClientNames | None = None,
        models: ModelsService | None = None,
    ) -> None:
        self.served, self._pool, self._models = served, pool, models
        self.client_names = client_names or {}

    def list_taken_back(self, version: str) -> list[TakenBack]:
        if self._models:
            with suppress(StoreUnavailable):
                return self._models.list_taken_back(version)
        return []

    def classify_photo(
        self,
        *,
        content: bytes,
        caller: PoolCaller,
        context: Context = NOTHING_TOLD,
        measure: bool = False,
        keep: bool = False,
    ) -> ClassifiedPhoto:
        classify = partial(_classify, self.served.model, content, context, measure, keep)
        return self.run_in_pool(classify, caller=caller)

    def classify_pictures(
        self,
        *,
        contents: Sequence[bytes],
        caller: PoolCaller,
        context: Context,
        keep: bool,
        same_spot: bool,
    ) -> ClassifiedPictures:
        """Classify one to four photos of a lesion with the same model, each in its own slot of the
        pool. Unless `same_spot` was confirmed, checks that they fit each other. Refused names the
        picture.
        """
        if len(contents) == 1:
            only = self.classify_photo(
                content=contents[0], caller=caller, context=context, keep=keep
            )
            return ClassifiedPictures(only.finding, (only.kept,) if only.kept else ())
        model = self.served.model
        each: list[_JudgedPicture] = []
        for index, content in enumerate(contents, 1):
            judge = partial(_judge, model, content, context, keep)
            try:
                each.append(self.run_in_pool(judge, caller=caller))
            except Refused as refused:
                refused.figures = {**refused.figures, "picture": index}
                raise
        apart = None
        if not same_spot:
            look = partial(find_apart, [item.known for item in each])
            apart = self.run_in_pool(look, caller=caller)
        return ClassifiedPictures(
            finding=join_photos(model, [item.judged for item in each]),
            kept=tuple(item.kept for item in each if item.kept),
            apart=apart,
        )

    def run_in_pool(self, work: Callable[[], T], *, caller: PoolCaller) -> T:
        return self._pool.run(work, caller=caller)


def _classify(
    model: Model, content: bytes, context: Context, measure: bool, keep: bool
) -> ClassifiedPhoto:
    """All work whose cost depends on the picture: it runs in the prediction pool."""
    prepared = prepare_photo(content, model.card.seen)
    finding = classify_prepared(model, prepared, context)
    shape = measure_shape(prepared.photo) if measure else None
    kept = reencode_for_storage(content, prepared.photo) if keep else None
    return ClassifiedPhoto(finding, shrink_to_stored(prepared.photo), shape, kept)


@dataclass(frozen=True, slots=True)
class _JudgedPicture:
    judged: JudgedPhoto
    known: KnownPicture
    kept: bytes | None


def _judge(model: Model, content: bytes, context: Context, keep: bool) -> _JudgedPicture:
    prepared = prepare_photo(content, model.card.seen)
    judged = judge_prepared(model, prepared, context)
    modality = judged.finding.modality
    kind = modality.recognised if modality else Modality.UNKNOWN
    known = KnownPicture(shrink_to_stored(prepared.photo).pixels, kind)
    kept = reencode_for_storage(content, prepared.photo) if keep else None
    return _JudgedPicture(judged, known, kept)
