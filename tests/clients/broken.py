"""The application as a WSGI server imports it, with an unexpected exception in every request."""

from typing import Any, NoReturn

from skinapi.app import create_app
from skinapi.registry.service import RegistryService


def break_down(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("nobody foresaw this")


RegistryService.classify_photo = break_down  # type: ignore[method-assign]
app = create_app()
