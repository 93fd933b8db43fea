"""The application as a WSGI server imports it, on a clock that a test sets: the file that CLOCK
names holds the seconds by which it is wrong. The machine's own clock stays as it is.
"""

import os
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import jwt.api_jwt

from skinapi.app import create_app
from skinapi.storage import ids

RIGHT = time.time
WRONG_BY = Path(os.environ["CLOCK"])


def wrong_time() -> float:
    return RIGHT() + float(WRONG_BY.read_text())


class WrongClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(wrong_time(), tz)


time.time = wrong_time
ids.datetime = WrongClock  # type: ignore[attr-defined]
jwt.api_jwt.datetime = WrongClock  # type: ignore[attr-defined]
app = create_app()
