from typing import Any

from skinapi.model.network.engine import Precision
from skinapi.model.network.model import ModelCard
from skinapi.model.network.picture import Scaling


def model_card(**fields: Any) -> ModelCard:
    toy: dict[str, Any] = {
        "version": "toy-1",
        "architecture": "toy",
        "side": 64,
        "scaling": Scaling.RAW,
        "precision": Precision.F32,
        "licence": "none",
        "limits": ("a toy",),
    }
    return ModelCard(**(toy | fields))
