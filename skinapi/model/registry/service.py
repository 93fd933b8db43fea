"""The model in service, its operating point, and the thread that follows the pointer.

Every server process polls the store once a second, loads and warms a new model in parallel, and
then exchanges them. If the new one cannot be used, the last good one continues to serve.
"""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skinapi.base.errors import (
    DiskFull,
    ModelDamaged,
    NotFound,
    SkinAPIError,
    StoreUnavailable,
)
from skinapi.base.logs import log
from skinapi.model.bands import OperatingPoint
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import Serving, ServingPointer
from skinapi.model.registry.version_files import models_folder, prune_folders
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# The model could not be loaded, but its files may have been restored.
RETRY_S = 30.0
UNUSABLE: tuple[type[SkinAPIError], ...] = (ModelDamaged, NotFound, DiskFull)


class ModelReloader:
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
        # A model that is already loaded is the built-in one.
        self._source: str | None = None
        self._seen = -1
        self._retry_at = 0.0

    def run_once(self) -> None:
        with self._lock:
            wanted = self._pointer.read()
            retry = self._served.problem is not None and time.monotonic() >= self._retry_at
            if wanted.revision != self._seen or retry:
                self._follow_point(wanted.operating_point)
                self._follow(wanted)
                self._seen = wanted.revision

    def _follow_point(self, chosen: OperatingPoint | None) -> None:
        """Call it before `_follow`, so that a new model judges its first picture at this point."""
        self._served.choose_point(chosen or self._point)
        if chosen and chosen is not self._point:
            log.info("operating point chosen by an admin", point=chosen, setting=self._point)

    def _follow(self, wanted: Serving) -> None:
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
        # Without the reason, which may contain a path: `/readyz` is public.
        answering = self._served.model.version if self._served.loaded else "nothing"
        self._served.problem = (
            f"The model {wanted.version or 'of this server'} cannot be loaded, so {answering} "
            "answers; the server's log says why"
        )

    def _load(self, version: str | None) -> str | None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPointService:
    work: UnitOfWork
    pointer: ServingPointer
    served: ServedModel
    setting: OperatingPoint

    def get_point(self) -> OperatingPoint:
        return self.pointer.read().operating_point or self.setting

    @atomic
    def choose_point(self, unit: Unit, *, point: OperatingPoint, by: str) -> None:
        """All servers use this point from then on. Existing findings keep theirs."""
        model = self.served.model
        unit.audit("model.operating_point", by=by, target=model.version)
        model.calibration.refuse_without_points(model.version)
        before = self.pointer.read()
        self.pointer.set_operating_point(before, point)
        detail = f"{before.operating_point or self.setting} to {point}"
        unit.audit("model.operating_point", by=by, target=model.version, detail=detail)
