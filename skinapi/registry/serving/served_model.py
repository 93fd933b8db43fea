"""The model that this process serves: verified, loaded and warmed up before it answers requests,
and replaced by another model in one step.
"""

import time
from collections.abc import Callable
from pathlib import Path

from skinapi.errors import EngineUnavailable, ModelDamaged, NoModel
from skinapi.logs import log
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.network.model import Model, open_model

KERAS_SUFFIXES = (".keras", ".h5")
Open = Callable[[Path], Model]


class ServedModel:
    """Holds the model in service, and at which operating point it judges. `problem` is a sentence
    where another one should serve.

    A request must read `model` once and use that object for its whole answer: then the answer names
    one version and one point, also when either is replaced in the meantime.
    """

    def __init__(self, open_warm: Open) -> None:
        self._open = open_warm
        self._serving: Model | None = None
        self._refused: str | None = None
        self._point = OperatingPoint.CAUTIOUS
        self.problem: str | None = None

    @property
    def model(self) -> Model:
        """The model in service. Raises NoModel."""
        serving = self._serving  # read once: another thread may replace it after the check
        if serving is None:
            raise NoModel
        return serving

    @property
    def loaded(self) -> bool:
        return self._serving is not None

    def ping(self) -> None:
        """Raises NoModel until a model is in service; it names what could not be used. Raises
        EngineUnavailable where the model's network cannot be run.
        """
        if self._serving is None and self._refused:
            raise NoModel(
                f"No model is loaded, so no picture can be judged: {self._refused} cannot be used, "
                "for the reason in the server's log"
            )
        self.model.engine.ping()

    def swap(self, folder: Path) -> Model:
        """Serve the model of this folder. While it loads and warms up, the model before it goes on
        serving. Raises ModelDamaged or EngineUnavailable; then nothing has changed.
        """
        started = time.monotonic()
        try:
            model = self._open(folder)
        except ModelDamaged as fault:
            self._refused = f"{fault.file} of MODEL_PATH" if fault.file else None
            raise
        except EngineUnavailable:
            self._refused = "the inference server of ENGINE_URL"
            raise
        self._serving = _at_point(model, self._point)
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", version=model.version, seconds=seconds)
        if not model.calibration.has_points:
            log.warning(
                "model without operating points: its bands follow the older rule until it is "
                "calibrated again with python -m skinapi calibrate",
                version=model.version,
            )
        return self._serving

    def choose_point(self, point: OperatingPoint) -> None:
        """Judge at this point from the next request on, with this model and later ones."""
        self._point = point
        if self._serving is not None:
            self._serving = _at_point(self._serving, point)

    def another(self) -> "ServedModel":
        """Without a model yet; it opens models in the same way."""
        return ServedModel(self._open)

    def clear(self) -> None:
        """Serve no model any more."""
        self._serving = None


def _at_point(model: Model, point: OperatingPoint) -> Model:
    if model.calibration.operating_point is point:
        return model
    return model.with_calibration(model.calibration.at(point))


def open_warm(
    folder: Path,
    *,
    streams: int = 1,
    engine_url: str | None = None,
    prevalence: float | None = None,
) -> Model:
    """The model of this folder, after its checksums were verified and it has made one pass. Its
    findings are restated for the `prevalence` of cancers, where one is told.

    Raises ModelDamaged, and EngineUnavailable where the inference server of `engine_url` cannot run
    this version.
    """
    if folder.suffix in KERAS_SUFFIXES:
        raise ModelDamaged(
            f"{folder.name} is a Keras network; export it first: "
            f"python -m skinapi export {folder.name} --labels ... --scaling ..."
        )
    model = open_model(folder, streams=streams, engine_url=engine_url)
    model.warm()  # the first pass is slow, and it finds a model that loads but does not work
    served = model.with_calibration(model.calibration.where(prevalence))
    for modality in served.calibration.not_restated:
        log.warning(
            "PREVALENCE is not used for this modality: fewer cancers, or nobody knows how many, "
            "were among the pictures of its calibration. Lower PREVALENCE, leave it empty, or "
            "calibrate on your own pictures with python -m skinapi calibrate",
            version=model.version,
            modality=modality,
        )
    return served
