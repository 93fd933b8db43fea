"""Errors of reports and their narratives."""

from skinapi.errors import SkinAPIError, Unavailable


class NoSuchLanguage(SkinAPIError):
    status, code = 406, "no_such_language"
    sentence = "There are no words in this language; the languages are"


class NarrativeUnavailable(Unavailable):
    """The LLM wrote no usable narrative; `reason` is a value of `narrative.Reason`.

    The template writes the narrative instead, so no client ever sees this error.
    """

    code, sentence = "unwritten", "The report could not be put into other words"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()
