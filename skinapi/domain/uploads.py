"""What is sent in a form, part by part."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartHead:
    """Of a text field, or of a file where `filename` is set."""

    name: str
    filename: str | None
    charset: str
