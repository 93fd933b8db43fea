"""Errors about messages."""

from skinapi.errors import Conflict, Unprocessable


class NobodyInCharge(Conflict):
    code = "nobody_in_charge"
    sentence = "No doctor is in charge of you at the moment, so nobody would read this message"


class TooManyUnread(Unprocessable):
    code = "too_many_unread"
    sentence = "So many of your messages are unread that no more are taken; wait for an answer"
