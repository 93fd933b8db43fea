"""A backend with an unexpected exception in every prediction."""

from skinapi.registry.service import RegistryService
from tests.support.backends import Backend
from tests.support.models import registry_of, tiny_model


class BrokenBackend(Backend):
    """A registry that breaks in a way nobody foresaw."""

    def registry(self) -> RegistryService:
        registry = registry_of(tiny_model())
        registry._pool = None  # type: ignore[assignment]
        return registry
