"""The words of the mails. None says anything of a person's health, nor of another person: who
opens them, and who carries them, nobody knows.
"""

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from skinapi.languages import Language, Said, space_french
from skinapi.notices.outbox import Kind, Notice


class Recipient(NamedTuple):
    """Who gets the mails of an account. `notices`: whether others than those of security."""

    email: str
    language: Language
    notices: bool


class Words(NamedTuple):
    subject: Said
    text: Said


def _words(*, en: str, fr: str, text_en: str, text_fr: str) -> Words:
    return Words(
        subject=Said(en=en, fr=space_french(fr)), text=Said(en=text_en, fr=space_french(text_fr))
    )


WORDS: Mapping[Kind, Words] = {
    Kind.APPROVED: _words(
        en="Your account is open",
        text_en="Your account was approved. You can log in now.",
        fr="Votre compte est ouvert",
        text_fr="Votre compte a été approuvé. Vous pouvez maintenant vous connecter.",
    ),
    Kind.REVIEWED: _words(
        en="A doctor has answered",
        text_en="A doctor has answered you. Log in to read the answer.",
        fr="Un médecin a répondu",
        text_fr="Un médecin vous a répondu. Connectez-vous pour lire la réponse.",
    ),
    Kind.NEW_PICTURE: _words(
        en="Your doctor asks for a new photo",
        text_en="Your doctor asks you for a new photo. Log in to take it.",
        fr="Votre médecin demande une nouvelle photo",
        text_fr="Votre médecin vous demande une nouvelle photo. Connectez-vous pour la prendre.",
    ),
    Kind.URGENT: _words(
        en="Something in your queue should be seen soon",
        text_en="Something new in your queue should be seen soon. Log in to see it.",
        fr="Un élément de votre file est à voir rapidement",
        text_fr="Un nouvel élément de votre file est à voir rapidement. Connectez-vous pour le "
        "voir.",
    ),
    Kind.REMINDER: _words(
        en="It is time for a photo",
        text_en="It is time for the next photo. Log in to take it.",
        fr="C’est le moment de prendre une photo",
        text_fr="C’est le moment de prendre la photo suivante. Connectez-vous pour la prendre.",
    ),
    Kind.PASSWORD_LINK: _words(
        en="Choose a new password",
        text_en="Somebody asked for a new password for your account. With this link you choose it: "
        "once, and within an hour. If it was not you, do nothing: your password stays as it is.",
        fr="Choisissez un nouveau mot de passe",
        text_fr="Quelqu’un a demandé un nouveau mot de passe pour votre compte. Ce lien permet de "
        "le choisir: une seule fois, pendant une heure. Si ce n’était pas vous, ne faites rien: "
        "votre mot de passe reste le même.",
    ),
    Kind.PASSWORD_CHANGED: _words(
        en="Your password was changed",
        text_en="The password of your account was changed. If it was not you, choose a new one "
        "now.",
        fr="Votre mot de passe a été changé",
        text_fr="Le mot de passe de votre compte a été changé. Si ce n’était pas vous, "
        "choisissez-en un nouveau maintenant.",
    ),
}
SWITCH_OFF = Said(
    en="You can switch these mails off on the page of your account: {page}",
    fr=space_french("Vous pouvez désactiver ces e-mails sur la page de votre compte: {page}"),
)


def write_mail(
    notice: Notice, recipient: Recipient, *, sender: Address, console: str, link: str
) -> EmailMessage:
    """The mail of a notice: a sentence, and a link into the console at this address.

    The Message-ID is that of the notice, so that of a mail that was sent twice a mail program can
    show one.
    """
    words = WORDS[notice.kind]
    parts = [words.text.in_language(recipient.language), link]
    if not notice.of_security:
        parts.append(SWITCH_OFF.in_language(recipient.language).format(page=f"{console}/#/account"))
    mail = EmailMessage()
    mail["Subject"] = words.subject.in_language(recipient.language)
    mail["From"] = sender
    # Not parsed: Python's parser refuses letters outside ASCII, which many mail servers take.
    name, _, domain = recipient.email.rpartition("@")
    mail["To"] = Address(username=name, domain=domain)
    mail["Date"] = format_datetime(notice.created_at)
    mail["Message-ID"] = f"<{notice.id}@{urlsplit(console).hostname}>"
    mail["Auto-Submitted"] = "auto-generated"  # https://www.rfc-editor.org/rfc/rfc3834
    mail["Content-Language"] = recipient.language
    mail.set_content("\n\n".join(parts) + "\n")
    return mail
