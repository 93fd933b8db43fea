"""A backend with an unexpected exception in every prediction."""

from skinapi.registry.service import RegistryService
from tests.backends import Backend
from tests.models import registry_of, tiny_model


class BrokenBackend(Backend):
    """A registry that breaks in a way nobody foresaw."""

    def registry(self) -> RegistryService:
        registry = registry_of(tiny_model())
        registry._pool = None  # type: ignore[assignment]
        return registry
