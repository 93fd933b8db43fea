"""The routes by which a person gets everything about them as one file, and nobody else does; but an
admin that of a patient who came from another system, and cannot log in.
"""

from collections.abc import Iterator

from flask import Response

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import OwnDeletion
from skinapi.base.errors import NotFound
from skinapi.platform.jobs.job import TooManyJobs
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message
from skinapi.privacy.person_file.service import AsksAlone, FileView, PersonFilesService
from skinapi.privacy.person_file.stored_files import FileNotReady, FileUnderWay, NoFile, PersonFile

ZIP = "application/zip"
ADMINS = admins("Only admin can get the file of a patient of another system")

routes: Routes[PersonFilesService] = Routes(access=Authenticated())


@routes.route(
    "POST", "/me/file", rate=Rate.SIGN_IN, status=202, raises=(*UNPROVEN, FileUnderWay, TooManyJobs)
)
def ask_for_file(files: PersonFilesService, *, body: OwnDeletion, subject: Subject) -> FileView:
    """Have everything about the caller made into one ZIP file, in the background, with the password
    and the code of a second factor. Its form: docs/rights.md.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    return files.ask(account=subject.account, session_id=subject.session_id, proof=proof)


@routes.route("GET", "/me/file")
def show_file(files: PersonFilesService, *, subject: Subject) -> FileView:
    """How far the caller's file is."""
    return files.show(account=subject.id)


@routes.route("DELETE", "/me/file", raises=(NoFile,))
def delete_file(files: PersonFilesService, *, subject: Subject) -> Message:
    """Delete the caller's file, or end the making of it."""
    files.delete(account=subject.id, by=subject.id)
    return Message(message="File deleted")


@routes.route("GET", "/me/file/download", produces=ZIP, raises=(NoFile, FileNotReady))
def fetch_file(files: PersonFilesService, *, subject: Subject) -> Response:
    """The caller's file. Once all of it was sent, it is deleted; a download that breaks off can be
    begun again.
    """
    return _send(*files.open(account=subject.id, by=subject.id))


@routes.route(
    "POST",
    "/users/<email>/file",
    access=ADMINS,
    rate=Rate.SIGN_IN,
    status=202,
    raises=(*UNPROVEN, NotFound, AsksAlone, FileUnderWay, TooManyJobs),
)
def ask_for_file_of_patient(
    files: PersonFilesService, *, email: str, body: OwnDeletion, subject: Subject
) -> FileView:
    """Have everything about a patient who came from another system made into one ZIP file, to hand
    it over: with the admin's own password and code. The audit trail has it.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    return files.ask_for_patient(
        email=email, by=subject.account, session_id=subject.session_id, proof=proof
    )


@routes.route("GET", "/users/<email>/file", access=ADMINS, raises=(NotFound, AsksAlone))
def show_file_of_patient(files: PersonFilesService, *, email: str) -> FileView:
    """How far the file of such a patient is."""
    return files.show(account=files.find_patient(email).id)


@routes.route("DELETE", "/users/<email>/file", access=ADMINS, raises=(NotFound, AsksAlone, NoFile))
def delete_file_of_patient(files: PersonFilesService, *, email: str, subject: Subject) -> Message:
    """Delete the file of such a patient, or end the making of it."""
    files.delete(account=files.find_patient(email).id, by=subject.id)
    return Message(message="File deleted")


@routes.route(
    "GET",
    "/users/<email>/file/download",
    access=ADMINS,
    produces=ZIP,
    raises=(NotFound, AsksAlone, NoFile, FileNotReady),
)
def fetch_file_of_patient(files: PersonFilesService, *, email: str, subject: Subject) -> Response:
    """The file of such a patient, as `GET /me/file/download`. The audit trail has it."""
    return _send(*files.open_for_patient(email=email, by=subject.id))


def _send(file: PersonFile, content: Iterator[bytes]) -> Response:
    answer = Response(content, mimetype=ZIP)
    answer.content_length = file.bytes
    answer.headers["Content-Disposition"] = 'attachment; filename="skinapi-my-data.zip"'
    # A proxy that takes it all at once would hide that the other side has not.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
