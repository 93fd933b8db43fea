"""The model that this process serves: loaded, verified and warm before the first patient waits for
it; replaced by another in one step.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from skinapi.errors import Conflict, ModelDamaged, NoModel
from skinapi.vision.model import Model, open_model
from skinapi.vision.openvino_engine import Precision
from skinapi.web.logs import log

KERAS_SUFFIXES = (".keras", ".h5")
Open = Callable[[Path], Model]


class ServingSlot:
    """Whoever answers takes the model once and keeps it for the whole answer: it names one version
    whatever happens meanwhile.
    """

    def __init__(self, open_warm: Open) -> None:
        self._open = open_warm
        self._turn = threading.Lock()
        self._serving: Model | None = None
        self._before: Model | None = None
        self._refused: str | None = None

    @property
    def model(self) -> Model:
        """Raises NoModel."""
        serving = self._serving
        if serving is None:
            raise NoModel
        return serving

    def ping(self) -> None:
        """Raises NoModel until one is warm; it names the file that kept one from it."""
        if self._serving is None and self._refused:
            raise NoModel(
                f"No model is loaded, so no picture can be judged: {self._refused} of MODEL_PATH "
                "cannot be used, for the reason in the server's log"
            )
        _ = self.model

    def swap(self, folder: Path) -> Model:
        """Serve this one; while it loads and warms, the one before it goes on. Raises ModelDamaged,
        and then nothing has changed.
        """
        started = time.monotonic()
        try:
            model = self._open(folder)
        except ModelDamaged as fault:
            self._refused = fault.file
            raise
        with self._turn:
            self._before, self._serving = self._serving, model
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", version=model.version, seconds=seconds)
        return model

    def roll_back(self) -> Model:
        """Serve the one before again; it is still warm. Raises Conflict where there is none."""
        with self._turn:
            if self._before is None or self._serving is None:
                raise Conflict("There is no earlier model to go back to")
            self._before, self._serving = self._serving, self._before
            return self._serving


def open_warm(folder: Path, *, precision: Precision | None = None, streams: int = 1) -> Model:
    """Checksums first, then one pass. Raises ModelDamaged rather than serve what is half right."""
    if folder.suffix in KERAS_SUFFIXES:
        raise ModelDamaged(
            f"{folder.name} is a Keras network; export it first: "
            f"python -m skinapi export {folder.name} --labels ... --scaling ..."
        )
    model = open_model(folder, precision=precision, streams=streams)
    model.warm()
    return model
