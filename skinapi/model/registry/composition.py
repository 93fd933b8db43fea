from functools import partial

from skinapi.base.settings.settings import Settings
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import SHIPPED_MODEL
from skinapi.model.registry.inference import ClientNames, InferenceService
from skinapi.model.registry.prediction_pool import PredictionPool, ServedModel, open_warm
from skinapi.model.registry.service import ModelReloader, OperatingPointService
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.model.registry.version_records import ModelVersions
from skinapi.model.registry.version_service import ModelsService, ReferenceSource
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import UnitOfWork


def open_served(settings: Settings) -> ServedModel:
    sizing = settings.sizing
    return ServedModel(
        partial(
            open_warm,
            streams=sizing.streams,
            threads=sizing.inference_threads,
            prevalence=settings.prevalence_share,
        )
    )


def open_models(
    settings: Settings,
    store: Store,
    work: UnitOfWork,
    *,
    reference: ReferenceSource | None = None,
    served: ServedModel | None = None,
) -> ModelsService:
    return ModelsService(
        work=work,
        versions=ModelVersions(store, work),
        pointer=ServingPointer(store),
        built_in=settings.model_path or SHIPPED_MODEL,
        instance=settings.instance_dir,
        reference=reference,
        served=served,
    )


def open_inference(
    settings: Settings,
    models: ModelsService,
    served: ServedModel,
    client_names: ClientNames,
    pool: PredictionPool | None = None,
) -> tuple[InferenceService, ModelReloader]:
    models.record_built_in()
    reloader = ModelReloader(
        served=served,
        pointer=models.pointer,
        versions=models.versions,
        built_in=models.built_in,
        instance=settings.instance_dir,
        point=OperatingPoint(settings.triage),
    )
    inference = InferenceService(
        served=served,
        pool=PredictionPool(streams=settings.sizing.streams) if pool is None else pool,
        client_names=client_names,
        models=models,
    )
    return inference, reloader


def open_operating_point(
    settings: Settings, models: ModelsService, served: ServedModel
) -> OperatingPointService:
    return OperatingPointService(
        work=models.work,
        pointer=models.pointer,
        served=served,
        setting=OperatingPoint(settings.triage),
    )
