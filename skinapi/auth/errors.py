"""Errors of accounts, logins and sessions."""

from skinapi.errors import Conflict, Forbidden, TooManyRequests, Unauthenticated


class InvalidRefreshToken(Unauthenticated):
    code = "invalid_refresh_token"
    sentence = "This refresh token is not valid any more. Please log in again."


class InvalidCredentials(Unauthenticated):
    code, sentence = "invalid_credentials", "Invalid credentials"


class WrongPassword(Forbidden):
    code, sentence = "wrong_password", "The current password is not right"


class InvalidPasswordLink(Forbidden):
    code = "invalid_password_link"
    sentence = "This link is not valid any more. Ask for a new one"


class NoMailServer(Conflict):
    code = "no_mail_server"
    sentence = "This server sends no mail. Ask an admin for a link to choose a new password"


class InitialPasswordExpired(Forbidden):
    code = "initial_password_expired"
    sentence = "This initial password has expired. Ask an admin for a new one"


class EmailTaken(Conflict):
    code, sentence = "email_taken", "Email already registered"


class LastAdmin(Conflict):
    code = "last_admin"
    sentence = "The last admin cannot be removed, demoted or suspended"


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    sentence = "Too many wrong passwords; try again later, or from where you logged in before"
