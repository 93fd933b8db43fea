"""Errors about comparisons."""

from skinapi.errors import Unprocessable


class ComparedWithItself(Unprocessable):
    code = "compared_with_itself"
    sentence = "A finding cannot be compared with itself; name two findings of the spot"
