"""Errors about doctors' cases."""

from skinapi.errors import Conflict


class CaseTaken(Conflict):
    """`hours`: how long a doctor has a case."""

    code, sentence = "case_taken", "Another doctor has taken this case"

    def __init__(self, hours: int) -> None:
        super().__init__(f"{self.sentence}; {hours} hours after that you may take it over.")


class OpinionAsked(Conflict):
    code = "opinion_asked"
    sentence = "Another colleague is asked about this finding; withdraw that first"
