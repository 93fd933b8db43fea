from collections.abc import Callable, Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from skinapi.base.languages import LANGUAGES, Language, load_words
from skinapi.base.subject import RefusalReason
from skinapi.platform.notices.outbox import Kind, Notice


class MailWords(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: Mapping[Kind, str]
    texts: Mapping[Kind, str]
    refusals: Mapping[RefusalReason, str]
    several: str
    switch_off: str


WORDS: Mapping[Language, MailWords] = load_words("mails", MailWords)


class Recipient(NamedTuple):
    """`notices`: whether the person wants other notices than those about security. `refusal`: why
    the account was not approved. An account that is not `approved` cannot open links, and only gets
    mails about security.
    """

    email: str
    language: Language
    notices: bool
    refusal: RefusalReason | None = None
    approved: bool = True

    def gets(self, notice: Notice) -> bool:
        if notice.of_security:
            return True
        return self.notices and (self.approved or notice.kind is Kind.REFUSED)


def parting_recipient(notice: Notice) -> Recipient | None:
    if notice.address is None:
        return None
    return Recipient(notice.address, notice.language or LANGUAGES[0], notices=True)


def write_mail(
    notices: Sequence[Notice],
    recipient: Recipient,
    *,
    sender: Address,
    console: str,
    link_to: Callable[[Notice], str],
) -> EmailMessage:
    """Write a sentence for each kind, and a link into the console for each item. The Message-ID is
    that of the first notice, so that a mail program can show a duplicate once.
    """
    words, notice = WORDS[recipient.language], notices[0]
    by_kind: dict[Kind, list[Notice]] = {}
    for item in notices:
        by_kind.setdefault(item.kind, []).append(item)
    parts = []
    for kind, (first, *others) in by_kind.items():
        links = dict.fromkeys(map(link_to, (first, *others)))
        parts += [words.texts[kind].format(**first.figures), "\n".join(links)]
    if notice.kind is Kind.REFUSED:  # somebody who cannot log in has no page to switch it off
        parts[1:1] = [words.refusals[recipient.refusal]] if recipient.refusal else []
    elif not notice.of_security:
        parts.append(words.switch_off.format(page=f"{console}/#/account"))
    mail = EmailMessage()
    mail["Subject"] = words.subjects[notice.kind] if len(by_kind) == 1 else words.several
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
