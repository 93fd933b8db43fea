"""What an operating point costs, and which one the clinic has chosen."""

from dataclasses import dataclass
from typing import NamedTuple

from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import Model
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic


class ChosenPoint(NamedTuple):
    """`by_admin`: else it is that of the setting TRIAGE. `model` is the one that answers in this
    process.
    """

    point: OperatingPoint
    by_admin: bool
    model: Model


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPointService:
    """`setting` is the point where no admin has chosen one."""

    work: UnitOfWork
    pointer: ServingPointer
    served: ServedModel
    setting: OperatingPoint

    def get_point(self) -> ChosenPoint:
        chosen = self.pointer.read().operating_point
        return ChosenPoint(chosen or self.setting, chosen is not None, self.served.model)

    @atomic
    def choose_point(self, unit: Unit, *, point: OperatingPoint, by: str) -> None:
        """Let every server judge at this point. Findings keep the one under which they were made.

        Raises NoModel, ModelChanged, and NoOperatingPoints where the model in service has no
        thresholds for them.
        """
        model = self.served.model
        unit.audit("model.operating_point", by=by, target=model.version)
        model.calibration.refuse_without_points(model.version)
        before = self.pointer.read()
        self.pointer.set_operating_point(before, point)
        detail = f"{before.operating_point or self.setting} to {point}"
        unit.audit("model.operating_point", by=by, target=model.version, detail=detail)
