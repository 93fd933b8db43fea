"""Builds the services of the model in service and of model versions from the settings."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from skinapi.registry.gates import ReferenceData
from skinapi.registry.model_reloader import ModelReloader
from skinapi.registry.operating_point import OperatingPointService
from skinapi.registry.prediction_pool import PredictionPool, ServedModel, open_warm
from skinapi.registry.service import ClientNames, RegistryService
from skinapi.registry.serving_pointer import ServingPointer
from skinapi.registry.shadow import Shadow, ShadowResults
from skinapi.registry.version_files import models_folder
from skinapi.registry.version_records import ModelVersions
from skinapi.registry.version_service import ModelsService, RunAudited
from skinapi.settings import Settings
from skinapi.storage.ports import Store
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.network.model import SHIPPED_MODEL


def open_served(settings: Settings) -> ServedModel:
    """Without a model yet: the reloader of `open_registry` loads it."""
    return ServedModel(
        partial(
            open_warm,
            streams=settings.num_streams,
            engine_url=settings.engine_url,
            prevalence=settings.prevalence_share,
        )
    )


def built_in_folder(settings: Settings) -> Path:
    """The built-in model: that of MODEL_PATH where the operator set it, else the one that ships. It
    serves until a stored version is promoted.
    """
    return settings.model_path or SHIPPED_MODEL


def open_models(
    settings: Settings,
    store: Store,
    audit: RunAudited,
    *,
    reference: Callable[[], ReferenceData | None] = lambda: None,
    problem: Callable[[], str | None] = lambda: None,
) -> ModelsService:
    """`reference` tells what the reference is now; without one, no comparison on it counts.
    `problem` tells why this process does not serve what it should.
    """
    return ModelsService(
        versions=ModelVersions(store),
        pointer=ServingPointer(store),
        shadows=ShadowResults(store),
        audit=audit,
        built_in=built_in_folder(settings),
        folder=partial(models_folder, settings.instance_dir),
        reference=reference,
        problem=problem,
    )


def open_registry(
    settings: Settings,
    models: ModelsService,
    served: ServedModel,
    client_names: ClientNames,
    pool: PredictionPool | None = None,
) -> tuple[RegistryService, ModelReloader]:
    """The service, and the reloader that keeps `served` what the pointer names. It is not started,
    and has loaded nothing. Records the built-in model.
    """
    models.record_built_in()
    candidate = served.another()
    reloader = ModelReloader(
        served=served,
        pointer=models.pointer,
        versions=models.versions,
        built_in=models.built_in,
        folder=partial(models_folder, settings.instance_dir),
        candidate=candidate,
        point=OperatingPoint(settings.triage),
    )
    registry = RegistryService(
        served=served,
        pool=PredictionPool(streams=settings.num_streams) if pool is None else pool,
        shadow=Shadow(served=candidate, results=models.shadows),
        client_names=client_names,
    )
    return registry, reloader


def open_operating_point(
    settings: Settings, models: ModelsService, served: ServedModel, audit: RunAudited
) -> OperatingPointService:
    return OperatingPointService(
        pointer=models.pointer,
        served=served,
        audit=audit,
        setting=OperatingPoint(settings.triage),
    )
