"""Errors about photos that are sent together, or judged again."""

from skinapi.errors import Conflict, Unprocessable


class MaybeDifferentSpots(Unprocessable):
    """`apart`: the places of two pictures that may show different spots."""

    code, sentence = "maybe_different_spots", "The pictures may show different spots"

    def __init__(self, apart: tuple[int, int]) -> None:
        first, second = (place + 1 for place in apart)
        super().__init__(
            f"Pictures {first} and {second} may show different spots. Send each spot by itself, or "
            "send same_spot=true if all of them show one."
        )


class NoPhotoToJudge(Conflict):
    code = "no_photo_to_judge"
    sentence = "The photo of this finding was not kept"

    def __init__(self, reason: str = sentence) -> None:
        super().__init__(f"{reason}. It cannot be judged again: ask the patient for another photo.")


class JudgedByThisModel(Conflict):
    code = "judged_by_this_model"
    sentence = (
        "The model in service has made this finding, at the operating point that is in use; it "
        "would say the same again"
    )
