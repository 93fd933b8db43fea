"""DermaScan lab's list of models, in its own format."""

from collections.abc import Mapping
from typing import Any, Self

from skinapi.integrations.clients.condition_names import CONDITION_NAMES
from skinapi.integrations.clients.dermascan_diagnosis import CLIENT
from skinapi.model.registry.card_figures import number
from skinapi.model.registry.serving_pointer import ModelVersion
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.web.declaration import Opened, Routes
from skinapi.platform.web.schemas import Answer

# Its screen shows all of them at once.
MOST_MODELS = 50

routes: Routes[ModelsService] = Routes("lab models")


class Metadata(Answer):
    """Null where the model's card does not say."""

    architecture: str
    num_classes: int
    label_map: dict[str, int]
    test_accuracy: float | None
    test_loss: float | None
    epochs_trained: int | None
    batch_size: int | None
    optimizer: str | None
    learning_rate: float | None
    model_path: str
    training_date: str


class LabModel(Answer):
    name: str
    path: str
    metadata: Metadata

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        phase, epochs = _training_of(version)
        # An address of this server, and no path on its disk.
        path = f"/models/{version.version}"
        return cls(
            name=version.version,
            path=path,
            metadata=Metadata(
                architecture=version.architecture,
                num_classes=len(version.labels),
                label_map={_class_id(key): place for place, key in enumerate(version.labels)},
                test_accuracy=version.headline.get("accuracy"),
                test_loss=version.headline.get("log_loss"),
                epochs_trained=epochs,
                batch_size=_whole(phase.get("batch")),
                optimizer=_text(phase.get("optimizer")),
                learning_rate=number(phase.get("learning_rate")),
                model_path=path,
                training_date=version.created_at.isoformat(),
            ),
        )


class LabModels(Answer):
    models: list[LabModel]


@routes.route("GET", "/api/models", access=Opened((CLIENT,), roles=("researcher", "admin")))
def list_models_for_lab(models: ModelsService) -> LabModels:
    """DermaScan lab's list of models: the newest fifty."""
    return LabModels(
        models=[LabModel.of(each) for each in models.versions.list_newest(limit=MOST_MODELS)]
    )


def _class_id(key: str) -> str:
    return CONDITION_NAMES[key].lab_class_id or key


def _training_of(version: ModelVersion) -> tuple[Mapping[str, Any], int | None]:
    """The last phase of the recipe that `train` wrote to the card, and the number of all epochs."""
    training = (version.read_card().model_extra or {}).get("training")
    known = training if isinstance(training, Mapping) else {}
    recipe, phases = known.get("recipe"), known.get("phases")
    histories = [
        phase["history"]
        for phase in (phases.values() if isinstance(phases, Mapping) else ())
        if isinstance(phase, Mapping) and isinstance(phase.get("history"), list)
    ]
    epochs = sum(map(len, histories)) if histories else None
    planned = recipe.get("phases") if isinstance(recipe, Mapping) else None
    last = planned[-1] if isinstance(planned, list) and planned else {}
    return last if isinstance(last, Mapping) else {}, epochs


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
