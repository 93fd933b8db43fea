"""The model that this process serves: loaded, verified and warm before the first patient waits for
it.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from skinapi.errors import ModelDamaged
from skinapi.settings import Settings
from skinapi.vision.model import SHIPPED_MODEL, Model, open_model
from skinapi.vision.openvino_engine import Precision

KERAS_SUFFIXES = (".keras", ".h5")


@dataclass(frozen=True, slots=True)
class Slot:
    """One model in service, and how long it took to get there."""

    model: Model
    folder: Path
    seconds_to_ready: float

    def describe(self) -> str:
        return f"model {self.model.version} ready in {self.seconds_to_ready:.1f} s"


def open_slot(*, folder: Path, precision: Precision | None = None, streams: int = 1) -> Slot:
    """Checksums first, then one pass; ModelDamaged rather than something half right."""
    if folder.suffix in KERAS_SUFFIXES:
        raise ModelDamaged(
            f"{folder.name} is a Keras network; export it first: "
            f"python -m skinapi export {folder.name} --labels ... --scaling ..."
        )
    started = time.monotonic()
    model = open_model(folder, precision=precision, streams=streams)
    model.warm()
    return Slot(model=model, folder=folder, seconds_to_ready=time.monotonic() - started)


def serving_folder(settings: Settings) -> Path:
    """MODEL_PATH where the operator set it, else the model that ships."""
    return settings.model_path or SHIPPED_MODEL
