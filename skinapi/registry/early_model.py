"""Opens the model at a server's start, beside the loading of the application's modules.

Python loads its modules on one core. What opens a model leaves the interpreter free, so on a second
core it takes place at the same time.
"""

import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from skinapi.errors import SkinAPIError
from skinapi.logs import configure_logs
from skinapi.registry.serving.served_model import Open, ServingSlot, open_warm
from skinapi.registry.versions.serving_pointer import ServingPointer
from skinapi.settings import Settings
from skinapi.storage import open_store
from skinapi.vision.network.model import SHIPPED_MODEL, Model
from skinapi.vision.network.openvino_engine import Precision


class EarlyModel:
    """A model that a thread opens, and whoever asks for it first gets."""

    def __init__(self, folder: Path, open_model: Open) -> None:
        self._folder, self._open = folder, open_model
        self._model: Model | None = None
        # No daemon: a process that ends in the middle waits for it, and is not killed by what the
        # engine still does.
        self._thread = threading.Thread(target=self._load, name="early-model")
        self._thread.start()

    def open(self, folder: Path) -> Model:
        """The model of this folder: the thread's, where that has opened it, else opened now.
        Raises ModelDamaged, EngineUnavailable.
        """
        if folder == self._folder:
            self._thread.join()
            model, self._model = self._model, None
            if model is not None:
                return model
        return self._open(folder)

    def _load(self) -> None:
        # Whoever asks for the model tries again, and meets the same fault.
        with suppress(Exception):
            self._model = self._open(self._folder)


_early: dict[Settings, EarlyModel] = {}


def begin_loading(settings: Settings) -> None:
    """Begin to open the built-in model, if that is in service and runs in this process. Call it in
    the process that serves, as early as possible; `open_slot` with the same settings takes it.
    """
    configure_logs()
    if settings.engine_url:
        return
    with suppress(SkinAPIError):  # the application's start meets it again
        store = open_store(
            instance_dir=settings.instance_dir, mongo_uri=settings.secret("mongo_uri")
        )
        with closing(store):
            promoted = ServingPointer(store).read().version
        if promoted is None:
            _early[settings] = EarlyModel(serving_folder(settings), _opener(settings))


def open_slot(settings: Settings) -> ServingSlot:
    """A slot without a model yet."""
    early = _early.pop(settings, None)
    return ServingSlot(early.open if early else _opener(settings))


def serving_folder(settings: Settings) -> Path:
    """The built-in model: that of MODEL_PATH where the operator set it, else the one that ships. It
    serves until a stored version is promoted.
    """
    return settings.model_path or SHIPPED_MODEL


def _opener(settings: Settings) -> Open:
    precision = Precision(settings.model_precision) if settings.model_precision else None
    return partial(
        open_warm,
        precision=precision,
        streams=settings.num_streams,
        engine_url=settings.engine_url,
    )
