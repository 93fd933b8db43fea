"""Errors about photos that are sent together."""

from skinapi.errors import Unprocessable


class MaybeDifferentSpots(Unprocessable):
    """`apart`: the places of two pictures that may show different spots."""

    code, sentence = "maybe_different_spots", "The pictures may show different spots"

    def __init__(self, apart: tuple[int, int]) -> None:
        first, second = (place + 1 for place in apart)
        super().__init__(
            f"Pictures {first} and {second} may show different spots. Send each spot by itself, or "
            "send same_spot=true if all of them show one."
        )
