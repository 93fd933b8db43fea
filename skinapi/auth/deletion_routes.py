"""The route by which a person deletes the own account."""

from skinapi.auth.errors import (
    CodeRequired,
    DoctorHasPatients,
    InitialPasswordExpired,
    LastAdmin,
    NotJustLoggedIn,
    TooManyCodes,
    TooManyGuesses,
    WrongCode,
    WrongPassword,
)
from skinapi.auth.own_deletion import OwnDeletionService
from skinapi.auth.passwords import ClientInfo
from skinapi.auth.schemas import OwnDeletion
from skinapi.domain.subject import Subject
from skinapi.web.access import Signed
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate, caller_address
from skinapi.web.schemas import Message

routes: Routes[OwnDeletionService] = Routes("deletion")


@routes.route(
    "DELETE",
    "/me",
    access=Signed(even_unready=True),
    rate=Rate.SIGN_IN,
    raises=(
        WrongPassword,
        NotJustLoggedIn,
        InitialPasswordExpired,
        TooManyGuesses,
        CodeRequired,
        WrongCode,
        TooManyCodes,
        LastAdmin,
        DoctorHasPatients,
    ),
)
def delete_me(deletion: OwnDeletionService, *, body: OwnDeletion, subject: Subject) -> Message:
    """Delete one's own account and all its data, with the password and the code of a second factor.

    The last admin cannot, nor a doctor who has patients.
    """
    deletion.delete_own(
        account_id=subject.id,
        session_id=subject.session_id,
        password=body.current_password,
        code=body.code,
        caller=ClientInfo(address=caller_address()),
    )
    return Message(message="Account deleted")
