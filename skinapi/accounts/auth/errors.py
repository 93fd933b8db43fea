from skinapi.base.errors import Conflict, Forbidden, TooManyRequests, Unauthenticated


class InvalidRefreshToken(Unauthenticated):
    code = "invalid_refresh_token"
    sentence = "This refresh token is not valid any more. Please log in again."


class InvalidCredentials(Unauthenticated):
    code, sentence = "invalid_credentials", "Invalid credentials"


class ConsentTextChanged(Conflict):
    code = "consent_text_changed"
    sentence = "The text of this consent has changed since it was shown. Read it again, then decide"


class PhotosStillKept(Conflict):
    code = "photos_still_kept"
    sentence = (
        "Photos may still be kept, so the kept ones are not deleted. Send photos=false with "
        "erase_kept=true"
    )


class WrongPassword(Forbidden):
    code, sentence = "wrong_password", "The current password is not right"


class NotJustLoggedIn(Forbidden):
    code = "not_just_logged_in"
    sentence = (
        "This account has no password here. Log out, log in again with the clinic's log-in, and do "
        "this within ten minutes"
    )


class NoPasswordHere(Conflict):
    code = "no_password_here"
    sentence = (
        "This account logs in with the clinic's log-in and has no password here. Its password is "
        "changed there"
    )


class InvalidPasswordLink(Forbidden):
    code = "invalid_password_link"
    sentence = "This link is not valid any more. Ask for a new one"


class NoMailServer(Conflict):
    code = "no_mail_server"
    sentence = "This server sends no mail. Ask an admin for a link to choose a new password"


class InitialPasswordExpired(Forbidden):
    code = "initial_password_expired"
    sentence = "This initial password has expired. Ask an admin for a new one"


class CodeRequired(Forbidden):
    code = "code_required"
    sentence = "Enter the code that your authenticator app shows, or a recovery code"


class WrongCode(Forbidden):
    code = "wrong_code"
    sentence = (
        "This code is not right, or was used before. Wait for the next one; if that is refused "
        "too, the clock of your device may be wrong"
    )


class TooManyCodes(TooManyRequests):
    code = "too_many_codes"
    sentence = (
        "Too many wrong codes. Use a recovery code, choose a new password with a link by mail or "
        "from an admin, or try again later"
    )


class SecondFactorRequired(Forbidden):
    code, sentence = "second_factor_required", "Set up a second factor for your account first"

    def __init__(self, page: str) -> None:
        super().__init__(f"{self.sentence}, on the page {page}")


class SecondFactorNotGiven(Unauthenticated):
    code = "second_factor_not_given"
    sentence = "This session was opened without your second factor. Please log in again."


class SecondFactorKept(Conflict):
    code = "second_factor_kept"
    sentence = "This account has a second factor already; remove it first"


class NoSecondFactor(Conflict):
    code, sentence = "no_second_factor", "This account has no second factor"


class EmailTaken(Conflict):
    code, sentence = "email_taken", "Email already registered"


class LastAdmin(Conflict):
    code = "last_admin"
    sentence = "The last admin cannot be removed, demoted or suspended"


class DoctorHasPatients(Conflict):
    code = "doctor_has_patients"
    sentence = "Patients are in your care. Ask an admin to give them another doctor first"


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    sentence = "Too many wrong passwords; try again later, or from where you logged in before"


class TooManyRegistrations(TooManyRequests):
    code = "too_many_registrations"
    sentence = "Too many registrations from here; try again later, or log in"


# The refusals of a request that asks for the password again (`reauthenticate`).
UNPROVEN = (
    WrongPassword,
    NotJustLoggedIn,
    InitialPasswordExpired,
    TooManyGuesses,
    CodeRequired,
    WrongCode,
    TooManyCodes,
)
