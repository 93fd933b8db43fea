"""Builds the services of model versions from the settings."""

from collections.abc import Callable
from functools import partial

from skinapi.registry.early_model import serving_folder
from skinapi.registry.gates.judging import ReferenceData
from skinapi.registry.model_reloader import ModelFollower
from skinapi.registry.service import RegistryService
from skinapi.registry.serving.shadow import Shadow, ShadowResults
from skinapi.registry.versions.repository import ModelVersions
from skinapi.registry.versions.service import Audit, ModelsService
from skinapi.registry.versions.serving_pointer import ServingPointer
from skinapi.registry.versions.version_files import models_folder
from skinapi.settings import Settings
from skinapi.storage.ports import Store


def open_models(
    settings: Settings,
    store: Store,
    audit: Audit,
    *,
    reference: Callable[[], ReferenceData | None] = lambda: None,
) -> ModelsService:
    """`reference` tells what the reference is now; without one, no comparison on it counts."""
    return ModelsService(
        versions=ModelVersions(store),
        pointer=ServingPointer(store),
        shadows=ShadowResults(store),
        audit=audit,
        built_in=serving_folder(settings),
        folder=partial(models_folder, settings.instance_dir),
        reference=reference,
    )


def open_follower(
    settings: Settings, models: ModelsService, registry: RegistryService
) -> ModelFollower:
    """The follower that keeps this registry's model the one in service. It is not started, and has
    loaded nothing. Records the built-in model.
    """
    models.record_built_in()
    shadow_slot = registry.slot.emptied()
    registry.shadow = Shadow(slot=shadow_slot, results=models.shadows, share=settings.shadow_share)
    follower = ModelFollower(
        slot=registry.slot,
        pointer=models.pointer,
        versions=models.versions,
        built_in=models.built_in,
        folder=partial(models_folder, settings.instance_dir),
        shadow_slot=shadow_slot,
    )
    models.fault = lambda: follower.fault
    return follower
