from typing import Any

from tests.support.backends import Backend


class BrokenBackend(Backend):
    pool: Any = object()
