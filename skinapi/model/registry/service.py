"""The model in service: classifying with it, its operating point, and the thread that follows the
pointer.

Every server process asks the store once a second, loads and warms a new model beside the one in
service, and then exchanges them. If the new one cannot be used, the last good one goes on serving.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from skinapi.base.errors import (
    DiskFull,
    ModelDamaged,
    NotFound,
    Refused,
    SkinAPIError,
    StoreUnavailable,
)
from skinapi.base.logs import log
from skinapi.model.bands import OperatingPoint
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
from skinapi.model.registry.serving_pointer import Serving, ServingPointer
from skinapi.model.registry.stored_version import TakenBack
from skinapi.model.registry.version_files import models_folder, prune_folders
from skinapi.model.registry.version_records import ModelVersions
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# A model that could not be loaded: its files may have been put back.
RETRY_S = 30.0
UNUSABLE: tuple[type[SkinAPIError], ...] = (ModelDamaged, NotFound, DiskFull)


class ModelReloader:
    """`built_in` is a folder; others are written below `instance`. `point` holds where no admin has
    chosen one.
    """

    def __init__(
        self,
        *,
        served: ServedModel,
        pointer: ServingPointer,
        versions: ModelVersions,
        built_in: Path,
        instance: Path,
        point: OperatingPoint,
    ) -> None:
        self._served = served
        self._point = point
        self._pointer = pointer
        self._versions = versions
        self._built_in = built_in
        self._instance = instance
        self._lock = threading.Lock()
        # A model that was loaded before is the built-in one.
        self._source: str | None = None
        self._seen = -1
        self._retry_at = 0.0

    def run_once(self) -> None:
        """Serve what the pointer names now."""
        with self._lock:
            wanted = self._pointer.read()
            retry = self._served.problem is not None and time.monotonic() >= self._retry_at
            if wanted.revision != self._seen or retry:
                self._follow_point(wanted.operating_point)
                self._follow(wanted)
                self._seen = wanted.revision

    def _follow_point(self, chosen: OperatingPoint | None) -> None:
        """Before the model is followed, so that a new one judges its first picture at it."""
        self._served.choose_point(chosen or self._point)
        if chosen and chosen is not self._point:
            log.info("operating point chosen by an admin", point=chosen, setting=self._point)

    def _follow(self, wanted: Serving) -> None:
        """Load the version, or, where nothing is in service yet, the newest that can be loaded."""
        fault = self._load(wanted.version)
        if fault is None:
            self._served.problem = None
            needed = (wanted.version, *wanted.earlier[-1:])
            kept = {version for version in needed if version}
            with suppress(StoreUnavailable):
                prune_folders(models_folder(self._instance), kept)
            return
        log.error("model not loaded", version=wanted.version, reason=fault)
        if not self._served.loaded:
            for version in (*reversed(wanted.earlier), None):
                if self._load(version) is None:
                    break
        self._retry_at = time.monotonic() + RETRY_S
        # Without the reason: it may hold a path, and anybody may read `/readyz`.
        answering = self._served.model.version if self._served.loaded else "nothing"
        self._served.problem = (
            f"The model {wanted.version or 'of this server'} cannot be loaded, so {answering} "
            "answers; the server's log says why"
        )

    def _load(self, version: str | None) -> str | None:
        """Serve this version, unless it is in service already. The reason if it cannot be."""
        if self._served.loaded and self._source == version:
            return None
        try:
            self._served.swap(self._fetch(version))
        except UNUSABLE as error:
            return error.detail
        self._source = version
        return None

    def _fetch(self, version: str | None) -> Path:
        if version is None:
            return self._built_in
        folder = models_folder(self._instance) / version
        self._versions.write_folder(version, folder)
        return folder


class ChosenPoint(NamedTuple):
    """`by_admin`: else it is the setting's. `model` answers in this process."""

    point: OperatingPoint
    by_admin: bool
    model: Model


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPointService:
    """`setting` is the point where no admin has chosen one."""

    work: UnitOfWork
    pointer: ServingPointer
    served: ServedModel
    setting: OperatingPoint

    def get_point(self) -> ChosenPoint:
        chosen = self.pointer.read().operating_point
        return ChosenPoint(chosen or self.setting, chosen is not None, self.served.model)

    @atomic
    def choose_point(self, unit: Unit, *, point: OperatingPoint, by: str) -> None:
        """Let every server judge at this point. Findings keep the one of their time."""
        model = self.served.model
        unit.audit("model.operating_point", by=by, target=model.version)
        model.calibration.refuse_without_points(model.version)
        before = self.pointer.read()
        self.pointer.set_operating_point(before, point)
        detail = f"{before.operating_point or self.setting} to {point}"
        unit.audit("model.operating_point", by=by, target=model.version, detail=detail)


T = TypeVar("T")
# For each condition, what each client of an earlier system calls it.
ClientNames = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class ClassifiedPictures:
    """One finding from several photos. `apart`: the places of two that may show two spots."""

    finding: Finding
    kept: tuple[bytes, ...] = field(default=(), repr=False)
    apart: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ClassifiedPhoto:
    """A finding and its photo. `shape` and `kept` (bytes to store) only where asked for."""

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
        """`client_names` are told with the table of conditions."""
        self.served, self._pool, self._models = served, pool, models
        self.client_names = client_names or {}

    def list_taken_back(self, version: str) -> list[TakenBack]:
        """See ModelsService. None is told while the store cannot be reached."""
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
        """Classify a photo in the prediction pool."""
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
        """Classify one to four photos of a lesion by one model, each in its own place of the pool.
        Unless `same_spot` was confirmed, it is looked whether they fit each other. Refused names
        the picture.
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
    """Do all work whose cost grows with the picture: it runs in the prediction pool."""
    prepared = prepare_photo(content)
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
    prepared = prepare_photo(content)
    judged = judge_prepared(model, prepared, context)
    modality = judged.finding.modality
    kind = modality.recognised if modality else Modality.UNKNOWN
    known = KnownPicture(shrink_to_stored(prepared.photo).pixels, kind)
    kept = reencode_for_storage(content, prepared.photo) if keep else None
    return _JudgedPicture(judged, known, kept)
