"""Only the person gets the file. For a patient of another system, an admin hands it over."""

from flask import Response
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import OwnDeletion
from skinapi.base.errors import Forbidden, NotFound
from skinapi.platform.jobs.job import TooManyJobs
from skinapi.platform.web.declaration import Authenticated, Rate, Routes
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message, Query
from skinapi.privacy.person_file.service import FileView, PersonFilesService
from skinapi.privacy.person_file.stored_files import FileUnderWay, NoFile

ZIP = "application/zip"
OF_ANOTHER = (NotFound, Forbidden)

routes: Routes[PersonFilesService] = Routes(access=Authenticated())


class FileQuery(Query):
    patient: Email | None = Field(
        default=None,
        description="the e-mail of a patient who came from another system, for an admin who hands "
        "the file over; the caller's own file unless given",
    )


@routes.route(
    "POST",
    "/me/file",
    rate=Rate.SIGN_IN,
    status=202,
    raises=(*UNPROVEN, *OF_ANOTHER, FileUnderWay, TooManyJobs),
)
def ask_for_file(
    files: PersonFilesService, *, query: FileQuery, body: OwnDeletion, subject: Subject
) -> FileView:
    """Have everything about the caller made into one ZIP file, in the background, with the caller's
    password and code of a second factor. Its form: docs/rights.md.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    return files.ask(patient=query.patient, by=subject, proof=proof)


@routes.route("GET", "/me/file", raises=OF_ANOTHER)
def show_file(files: PersonFilesService, *, query: FileQuery, subject: Subject) -> FileView:
    """How far the file is."""
    return files.show(patient=query.patient, by=subject)


@routes.route("DELETE", "/me/file", raises=OF_ANOTHER)
def delete_file(files: PersonFilesService, *, query: FileQuery, subject: Subject) -> Message:
    """Delete the file, or end the making of it."""
    files.delete(patient=query.patient, by=subject)
    return Message(message="File deleted")


@routes.route("POST", "/me/file/download", produces=ZIP, raises=(*OF_ANOTHER, NoFile))
def fetch_file(files: PersonFilesService, *, query: FileQuery, subject: Subject) -> Response:
    """Get the file, once: this deletes it, also if the download breaks off."""
    file, content = files.fetch(patient=query.patient, by=subject)
    answer = Response(content, mimetype=ZIP)
    answer.content_length = file.bytes
    answer.headers["Content-Disposition"] = 'attachment; filename="skinapi-my-data.zip"'
    return answer
