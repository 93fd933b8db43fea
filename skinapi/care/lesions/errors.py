"""Errors about spots."""

from skinapi.errors import Conflict, Unprocessable


class TooManyLesions(Unprocessable):
    """`most`: how many spots an account may have."""

    code, sentence = "too_many_lesions", "This account has as many spots as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Delete or join some, then try again.")


class SortedElsewhere(Conflict):
    code = "sorted_elsewhere"
    sentence = "This finding is not in the spot that `was` names any more; look at it again"


class JoinedWithItself(Unprocessable):
    code, sentence = "joined_with_itself", "A spot cannot be joined with itself; name another one"
