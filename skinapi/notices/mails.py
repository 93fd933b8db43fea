"""Writes the mail of a notice."""

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from skinapi.languages import Language, load_words
from skinapi.notices.outbox import Kind, Notice


class MailWords(BaseModel):
    """What a mail says of each kind of notice. `switch_off` has a place for the `page` of the
    account.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: Mapping[Kind, str]
    texts: Mapping[Kind, str]
    switch_off: str


WORDS: Mapping[Language, MailWords] = load_words("mails.MAILS", MailWords)


class Recipient(NamedTuple):
    """Who gets the mails of an account. `notices`: whether others than those of security."""

    email: str
    language: Language
    notices: bool


def write_mail(
    notice: Notice, recipient: Recipient, *, sender: Address, console: str, link: str
) -> EmailMessage:
    """The mail of a notice: a sentence, and a link into the console at this address.

    The Message-ID is that of the notice, so that of a mail that was sent twice a mail program can
    show one.
    """
    words = WORDS[recipient.language]
    parts = [words.texts[notice.kind], link]
    if not notice.of_security:
        parts.append(words.switch_off.format(page=f"{console}/#/account"))
    mail = EmailMessage()
    mail["Subject"] = words.subjects[notice.kind]
    mail["From"] = sender
    # Not parsed: Python's parser refuses letters outside ASCII, which many mail servers take.
    name, _, domain = recipient.email.rpartition("@")
    mail["To"] = Address(username=name, domain=domain)
    mail["Date"] = format_datetime(notice.created_at)
    mail["Message-ID"] = f"<{notice.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # https://www.rfc-editor.org/rfc/rfc3834
    mail.set_content("\n\n".join(parts) + "\n")
    mail["Content-Language"] = recipient.language
    return mail
