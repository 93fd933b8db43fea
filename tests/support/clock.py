import time
from datetime import datetime, timedelta, tzinfo
from typing import Self

import jwt.api_jwt
import pytest

from skinapi.platform.storage import ids

RIGHT = time.time


class Clock:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        clock = self

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return cls.fromtimestamp(clock.read(), tz)

        patch.setattr(time, "time", self.read)
        patch.setattr(ids, "datetime", Shifted)
        # Ids never go back: those of the tests that follow would be of the future.
        patch.setattr(ids._Ids, "last", 0)
        patch.setattr(jwt.api_jwt, "datetime", Shifted)

    def read(self) -> float:
        return RIGHT() + self.ahead.total_seconds()
