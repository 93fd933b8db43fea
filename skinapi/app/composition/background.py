from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from functools import partial

from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import WaitingExpiry
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.recovery import PasswordLinks
from skinapi.app.areas import switched_on
from skinapi.app.composition.services import Services
from skinapi.base.container import Container
from skinapi.base.settings.settings import Settings
from skinapi.care.pending_comparisons import PendingComparisons
from skinapi.care.reminders import ReminderMailer
from skinapi.findings.reports.narrator import Narrator
from skinapi.model.registry.service import ModelReloader
from skinapi.platform.audit.trail import AuditSealer
from skinapi.platform.backups.erased_ids import Scrubber
from skinapi.platform.notices.deliveries import Channel
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.notices.mail_texts import Recipient, write_mail
from skinapi.platform.notices.outbox import Kind, Notice, Outbox
from skinapi.platform.notices.sender import MailServer, NoticeSender
from skinapi.platform.storage.background import Scheduler, Stopping, Task
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import Erasures
from skinapi.privacy.retention.service import RetentionService


def open_background(services: Services, reloader: ModelReloader) -> Scheduler:
    settings, container = services.settings, services.container
    container.put({ModelReloader: reloader})
    container.learn(
        (_open_channels, _open_notice_sender),
        {
            WaitingExpiry: {"life": timedelta(days=settings.waiting_account_days)},
            Scrubber: {"folder": settings.instance_dir},
        },
        {},
    )
    return Scheduler(_list_tasks(services), services.get(Stopping))


def _list_tasks(services: Services) -> list[Task]:
    """The columns are: name, interval in seconds, action, log message of a failure, delay of the
    first run in seconds, and action at the end.
    """
    get, totals = services.get, services.data.totals
    mail_links, erasure = services.recovery.mail_links, services.erasure
    sender, narrator = get(DeliverySender), get(Narrator)

    def forget_over() -> None:
        services.data.outbox.forget_over()
        services.data.person_files.forget_over()

    return [
        # Run by each process for itself.
        Task("totals", 2, totals.write_collected, "totals not written", 0, totals.stop),
        Task("model-reloader", 1, get(ModelReloader).run_once, "model not followed", 0),
        Task("link-mailer", 1, mail_links, "links not mailed", at_stop=mail_links),
        # Run by one process at a time, with a Lease.
        Task("audit-sealer", 1, get(AuditSealer).run_once, "audit rows not sealed"),
        Task("scrubber", 60, get(Scrubber).run_once, "not scrubbed"),
        Task("notice-sender", 2, get(NoticeSender).run_once, "notices not sent"),
        Task("delivery-sender", 1, sender.run_once, "deliveries not sent", at_stop=sender.stop),
        Task("comparisons", 2, get(PendingComparisons).run_once, "photos not compared"),
        Task("retention", 600, get(RetentionService).run_once, "retention not passed"),
        # Run by any process; concurrent runs are harmless.
        Task("erased-files", 60, get(Erasures).finish_all, "files not erased"),
        Task("waiting-expiry", 3600, get(WaitingExpiry).run_once, "not expired"),
        Task("unassigned", 600, services.unassigned.mail_waiting, "not told of patients", 60),
        Task("erasure-due", 60, erasure.begin_due, "not erased", 5),
        Task("erasure-begun", 5, erasure.finish_begun, "not erased"),
        Task("reminders", 600, get(ReminderMailer).run_once, "not reminded"),
        Task("checker-exams", 20, narrator.examine_checker, "checker not examined"),
        Task("forgotten", 60, forget_over, "what is over was not deleted"),
    ]


def _open_channels(container: Container, settings: Settings) -> Mapping[str, Channel]:
    return {
        kind: Channel(container.get(sender).send)
        for area in switched_on(settings)
        for kind, sender in area.channels.items()
    }


def _open_notice_sender(
    settings: Settings,
    store: Store,
    outbox: Outbox,
    failed: FailedItems,
    stopping: Stopping,
    passwords: PasswordLinks,
    accounts: Accounts,
) -> NoticeSender:
    console, address = settings.address, settings.mail_server
    mail_from = settings.mail_from or ""

    def link_to(notice: Notice) -> str:
        # The page for checking a receipt needs no login and is not part of the console.
        place = f"{console}/{'' if notice.kind is Kind.CLOSED else '#/'}{notice.about}"
        return passwords.url(notice.about) if notice.kind is Kind.PASSWORD_LINK else place

    def write(notices: Sequence[Notice], recipient: Recipient) -> EmailMessage:
        sender = Address(settings.clinic_name or "SkinAPI", addr_spec=mail_from)
        return write_mail(notices, recipient, sender=sender, console=console, link_to=link_to)

    return NoticeSender(
        store,
        outbox,
        MailServer(
            address,
            hello=mail_from.rpartition("@")[2],
            authorities=settings.trusted_authorities,
        )
        if address
        else None,
        failed,
        stopping,
        find_recipient=partial(_find_recipient, accounts),
        write=write,
    )


def _find_recipient(accounts: Accounts, account_id: str) -> Recipient | None:
    """Return None for a deleted, suspended or closed account. A refused one is told why."""
    account = accounts.find_by_id(account_id)
    if account is None or account.status in ("suspended", "closed"):
        return None
    if not account.can_log_in:  # its address is made up
        return None
    # A mail server may not support letters outside ASCII.
    spellings = spellings_of(account.email)
    email = next(filter(str.isascii, spellings), account.email)
    reason = account.refusal.reason if account.refusal else None
    return Recipient(email, account.language, account.notices, reason, account.approved)
