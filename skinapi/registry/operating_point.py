"""What an operating point costs, and which one the clinic has chosen."""

from typing import NamedTuple

from skinapi.registry.prediction_pool import ServedModel
from skinapi.registry.serving_pointer import ServingPointer
from skinapi.registry.version_service import RunAudited
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.network.model import Model


class ChosenPoint(NamedTuple):
    """`by_admin`: else it is that of the setting TRIAGE. `model` is the one that answers in this
    process.
    """

    point: OperatingPoint
    by_admin: bool
    model: Model


class OperatingPointService:
    """`setting` is the point where no admin has chosen one."""

    def __init__(
        self,
        *,
        pointer: ServingPointer,
        served: ServedModel,
        audit: RunAudited,
        setting: OperatingPoint,
    ) -> None:
        self._pointer, self._served = pointer, served
        self._audit, self._setting = audit, setting

    def get_point(self) -> ChosenPoint:
        """Raises NoModel."""
        chosen = self._pointer.read().operating_point
        return ChosenPoint(chosen or self._setting, chosen is not None, self._served.model)

    def choose_point(self, *, point: OperatingPoint, by: str) -> None:
        """Let every server judge at this point. Findings keep the one under which they were made.

        Raises NoModel, ModelChanged, and NoOperatingPoints where the model in service has no
        thresholds for them.
        """
        model = self._served.model

        def choose() -> OperatingPoint:
            model.calibration.refuse_without_points(model.version)
            before = self._pointer.read()
            self._pointer.set_operating_point(before, point)
            return before.operating_point or self._setting

        self._audit(
            choose,
            "model.operating_point",
            by=by,
            target=model.version,
            detail=lambda before: f"{before} to {point}",
        )
