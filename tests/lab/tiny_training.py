"""The handler of a training, with a tiny network in the place of MobileNetV2: to trace and export
that one takes half a minute.
"""

from typing import Any, cast

from skinapi.jobs.handlers import Context
from skinapi.lab import train_model
from skinapi.learning.train.networks import ARCHITECTURES, Architecture
from tests.learning import tiny


def train(context: Context) -> dict[str, Any]:
    cast("dict[str, Architecture]", ARCHITECTURES)["MobileNetV2"] = tiny.TINY
    return train_model.train(context)
