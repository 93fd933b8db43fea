"""Follows a request through the modules of the project."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tests.repository.documents import ROOT

CODE = f"{ROOT / 'skinapi'}/"


@contextmanager
def traced(*, after: str | None = None) -> Iterator[list[str]]:
    """The modules of the project in the order of their first calls, in this thread and those that
    it starts, as the pool's threads are with the first photo. With `after`, from where a function
    of this name has returned.
    """
    called: dict[str, None] = {}
    begun = after is None

    def note(frame: FrameType, event: str, _: Any) -> None:
        nonlocal begun
        if not frame.f_code.co_filename.startswith(CODE):
            return
        if event == "return" and frame.f_code.co_name == after:
            begun = True
        elif event == "call" and begun:
            called.setdefault(frame.f_code.co_filename.removeprefix(CODE))

    modules: list[str] = []
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield modules
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        modules += called
