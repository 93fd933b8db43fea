"""Errors of reports."""

from skinapi.errors import SkinAPIError


class NoSuchLanguage(SkinAPIError):
    status, code = 406, "no_such_language"
    sentence = "There are no words in this language; the languages are"
