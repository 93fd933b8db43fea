"""The threads that work beside the requests of a process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from functools import partial

from skinapi.accounts.auth.account_deletion import WaitingExpiry
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.emails import spellings_of
from skinapi.accounts.auth.recovery import LinkMailer
from skinapi.app.composition.integration_services import open_webhook_sender
from skinapi.app.composition.privacy_services import PrivacyServices
from skinapi.app.composition.services import Services
from skinapi.base.settings import Settings
from skinapi.care.reminders import ReminderMailer
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.records.review_queue import UnassignedMailer
from skinapi.findings.records.review_service import EndedHolds
from skinapi.integrations.dicom.archive import ARCHIVE, ArchiveService
from skinapi.integrations.keys.api_keys import KeyUses
from skinapi.integrations.webhooks.endpoints import KIND as WEBHOOK
from skinapi.model.registry.model_reloader import ModelReloader
from skinapi.platform.audit.trail import AuditSealer
from skinapi.platform.backups.erased_ids import Scrubber
from skinapi.platform.notices.deliveries import Channel, DeliverySender
from skinapi.platform.notices.outbox import Kind, Notice, Recipient, write_mail
from skinapi.platform.notices.sender import MailServer, NoticeSender
from skinapi.platform.storage.background import BackgroundThread, Totals
from skinapi.platform.storage.unit_of_work import ErasureRetry
from skinapi.privacy.break_glass import BreakGlassExpiry
from skinapi.privacy.erasure.service import ErasureThread
from skinapi.privacy.person_file.service import FileSweeper
from skinapi.privacy.retention.service import RetentionPasses


@dataclass(frozen=True)
class Background:
    """Whoever serves starts and stops them."""

    model_reloader: ModelReloader
    totals: Totals
    key_uses: KeyUses
    audit_sealer: AuditSealer
    erasures: ErasureRetry
    scrubber: Scrubber
    waiting_expiry: WaitingExpiry
    erasure: ErasureThread
    link_mailer: LinkMailer
    notice_sender: NoticeSender
    delivery_sender: DeliverySender
    reminder_mailer: ReminderMailer
    unassigned_mailer: UnassignedMailer
    ended_holds: EndedHolds
    break_glass_expiry: BreakGlassExpiry
    retention: RetentionPasses
    file_sweeper: FileSweeper

    def start(self) -> None:
        """Call it in the process that serves: a thread does not survive a fork."""
        for thread in self._threads():
            thread.start()

    def stop(self) -> None:
        """End each after what it is doing, before the store is closed."""
        for thread in self._threads():
            thread.stop()

    def _threads(self) -> Iterator[BackgroundThread]:
        return (getattr(self, field.name) for field in fields(self))


def open_background(
    settings: Settings,
    services: Services,
    model_reloader: ModelReloader,
    archive: ArchiveService,
    privacy: PrivacyServices,
) -> Background:
    return Background(
        model_reloader=model_reloader,
        totals=services.data.totals,
        key_uses=services.data.key_uses,
        audit_sealer=AuditSealer(services.store, services.data.trail),
        erasures=ErasureRetry(services.store),
        scrubber=Scrubber(services.store, services.data.erased_ids, settings.instance_dir),
        waiting_expiry=WaitingExpiry(
            eraser=services.eraser,
            clock=services.data.clock,
            life=timedelta(days=settings.waiting_account_days),
        ),
        erasure=ErasureThread(services.erasure),
        link_mailer=LinkMailer(services.recovery),
        notice_sender=_notice_sender(settings, services),
        delivery_sender=DeliverySender(
            services.store,
            services.data.deliveries,
            _channels(settings, services, archive),
            services.data.failed_items,
        ),
        reminder_mailer=services.reminder_mailer,
        unassigned_mailer=UnassignedMailer(services.store, services.records.unassigned),
        ended_holds=EndedHolds(services.reviews, services.data.failed_items),
        break_glass_expiry=BreakGlassExpiry(privacy.break_glass),
        retention=RetentionPasses(privacy.retention),
        file_sweeper=FileSweeper(privacy.person_files),
    )


def _channels(
    settings: Settings, services: Services, archive: ArchiveService
) -> dict[str, Channel]:
    """How deliveries of each kind are sent."""
    webhooks = open_webhook_sender(
        settings, services.integrations.webhooks, ChangedFindings(records=services.records)
    )
    return {WEBHOOK: Channel(webhooks.send), ARCHIVE: Channel(archive.send)}


def _notice_sender(settings: Settings, services: Services) -> NoticeSender:
    console, address = settings.address, settings.mail_server
    mail_from, links = settings.mail_from or "", services.data.password_links

    def link_to(notice: Notice) -> str:
        # A receipt has a page of its own, which needs no log-in.
        place = f"{console}/{'' if notice.kind is Kind.ERASED else '#/'}{notice.about}"
        return links.url(notice.about) if notice.kind is Kind.PASSWORD_LINK else place

    def write(notices: Sequence[Notice], recipient: Recipient) -> EmailMessage:
        sender = Address(settings.clinic_name or "SkinAPI", addr_spec=mail_from)
        return write_mail(notices, recipient, sender=sender, console=console, link_to=link_to)

    return NoticeSender(
        services.store,
        services.data.outbox,
        MailServer(address, hello=mail_from.rpartition("@")[2]) if address else None,
        services.data.failed_items,
        find_recipient=partial(_find_recipient, services.data.accounts),
        write=write,
    )


def _find_recipient(accounts: Accounts, account_id: str) -> Recipient | None:
    """None for an account that is gone, suspended or being deleted. A refused one is told why."""
    account = accounts.by_ids({account_id}).get(account_id)
    refusal = account.refusal if account and account.status == "suspended" else None
    if account is None or not (refusal or account.status in ("approved", "waiting")):
        return None
    if not account.can_log_in:  # its address is made up
        return None
    # A mail server need not know letters outside ASCII.
    spellings = spellings_of(account.email)
    email = next(filter(str.isascii, spellings), account.email)
    reason = refusal.reason if refusal else None
    return Recipient(email, account.language, account.notices, reason)
