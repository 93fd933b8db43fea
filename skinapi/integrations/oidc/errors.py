"""Errors of the clinic's log-in."""

from typing import Literal

from skinapi.base.errors import BadRequest, Conflict, Forbidden, Unavailable

# Why an answer of a provider is not accepted: for the log, which names nobody.
Reason = Literal[
    "no_code",
    "other_issuer",
    "exchange_refused",
    "bad_client",
    "no_id_token",
    "userinfo_refused",
    "unknown_key",
    "bad_signature",
    "bad_algorithm",
    "expired_token",
    "bad_claim",
    "bad_token",
    "groups_left_out",
    "used_before",
]


class ProviderUnavailable(Unavailable):
    code = "oidc_unavailable"
    sentence = (
        "The clinic's log-in cannot be reached at the moment. Try again in a minute, or log in "
        "with a password, if you have one here"
    )


class LogInRefused(Forbidden):
    code = "oidc_refused"
    sentence = (
        "The clinic's log-in sent an answer that is not accepted here. Log in again; if that is "
        "refused too, tell your administrators"
    )

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class LogOutRefused(BadRequest):
    """https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse"""

    code, sentence = "oidc_refused", "This log-out token is not accepted here"


class LogInExpired(Forbidden):
    code = "oidc_expired"
    sentence = (
        "This log-in was used already, took too long, or was begun in another browser. Begin again"
    )


class LogInCancelled(Forbidden):
    code = "oidc_cancelled"
    sentence = "You were not logged in at the clinic's log-in. Begin again"


class NoVerifiedEmail(Forbidden):
    code = "oidc_no_email"
    sentence = (
        "Your clinic's account says no verified e-mail address, and an account here needs one. Ask "
        "the clinic's administrators"
    )


class NotLinked(Conflict):
    code = "oidc_not_linked"
    sentence = (
        "An account here has your e-mail address already. Ask an admin to let it log in with the "
        "clinic's log-in"
    )


class LinkedAlready(Conflict):
    code = "oidc_linked_already"
    sentence = "This account logs in with the clinic's log-in already"


class LinkingForbidden(Conflict):
    code = "oidc_linking_forbidden"
    sentence = "The operator lets no account that is here already log in there"
