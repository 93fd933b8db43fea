"""The API of Skinartify: a photo in a form, answered with the probabilities of seven classes.

The client sends the photo in `file`; its documentation says `image` (shared_paths.py).
"""

from typing import Self

from flask import Request

from skinapi.base.errors import BadRequest, Refused, Unauthenticated
from skinapi.base.subject import Subject
from skinapi.integrations.clients.condition_names import CONDITION_NAMES
from skinapi.integrations.clients.service import ClientsService
from skinapi.integrations.clients.undecided import Undecided, decided, name_for, undecided
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Finding
from skinapi.model.headline import Ranked
from skinapi.platform.web.declaration import Opened, Rate, Routes, closed_to
from skinapi.platform.web.schemas import Answer, ContractForm, Upload

CLIENT = "skinartify"
CLASS_ORDER = ("akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc")

routes: Routes[ClientsService] = Routes(CLIENT)


class FileForm(ContractForm):
    missing = "No image uploaded"
    file: Upload | None = None


class Predictions(Answer):
    """Probabilities that sum to one over the seven classes that the client knows."""

    predictions: dict[str, float]
    band: Band
    action: str
    uncertain: bool
    malignant_score: float
    notice: str
    model_version: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """The finding in Skinartify's format.

        Raises Refused where no lesion was found, and Undecided where the most probable class must
        not stand for the finding, or is not the one that the API states: its screen shows that
        class alone, and calls a lesion harmless when it is benign.
        """
        seven = decided(finding, "skinartify")
        if name_of(seven.ranked[0]) != name_for(finding, "skinartify"):
            raise undecided(finding)
        probabilities = {name_of(entry): entry.probability for entry in seven.ranked}
        return cls(
            predictions={name: probabilities.get(name, 0.0) for name in CLASS_ORDER},
            band=finding.band,
            action=finding.band_words().action,
            uncertain=finding.uncertain,
            malignant_score=seven.malignant_score,
            notice=finding.notices[0].en,
            model_version=finding.model_version,
        )


class Result(Answer):
    type: str
    label: str
    confidence: float


class PredictionsAndResults(Predictions):
    results: tuple[Result, ...] = ()

    @classmethod
    def of(cls, finding: Finding) -> Self:
        table, answer = conditions_table(), super().of(finding)
        results = tuple(
            Result(
                type=name_of(entry),
                label=table.by_key(entry.key).names.en,
                confidence=entry.probability,
            )
            for entry in decided(finding, "skinartify").ranked
        )
        return answer.model_copy(update={"results": results})


def name_of(entry: Ranked) -> str:
    return CONDITION_NAMES[entry.key].skinartify or entry.key


def is_anonymous(request: Request) -> bool:
    return "Authorization" not in request.headers


@routes.route(
    "POST",
    "/predict",
    access=Opened((CLIENT,), refusal=f"{Unauthenticated.sentence} {closed_to(CLIENT)}"),
    rate=Rate.ANONYMOUS,
    when=is_anonymous,
    raises=(BadRequest, Refused, Undecided, Unauthenticated),
)
def predict_for_skinartify(
    clients: ClientsService, *, form: FileForm, subject: Subject | None
) -> Predictions:
    """Without an Authorization header: Skinartify's seven probabilities."""
    # Accounts post to this path too, with a token. A request without a token and without this
    # client's field is answered as theirs: with 401.
    if form.file is None:
        raise Unauthenticated
    classified = clients.classify_photo(content=form.file.content, by=subject)
    return Predictions.of(classified.finding)
