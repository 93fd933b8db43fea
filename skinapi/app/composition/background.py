"""The threads that work beside the requests of a process."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from functools import partial

from skinapi.accounts.auth.account_deletion import WaitingExpiry
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.recovery import LinkMailer
from skinapi.app.composition.privacy_services import PrivacyServices
from skinapi.app.composition.services import Services
from skinapi.base.settings import Settings
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.records.review_queue import UnassignedMailer
from skinapi.findings.records.review_service import EndedHolds
from skinapi.integrations.dicom.archive import ARCHIVE, ArchiveService
from skinapi.integrations.webhooks.endpoints import KIND as WEBHOOK
from skinapi.integrations.webhooks.service import WebhookSender
from skinapi.model.registry.service import ModelReloader
from skinapi.platform.audit.trail import AuditSealer
from skinapi.platform.backups.erased_ids import Scrubber
from skinapi.platform.notices.deliveries import Channel
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.notices.mail_texts import Recipient, write_mail
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.notices.sender import MailServer, NoticeSender
from skinapi.platform.storage.background import BackgroundThread
from skinapi.platform.storage.unit_of_work import ErasureRetry
from skinapi.privacy.break_glass import BreakGlassExpiry
from skinapi.privacy.erasure.service import ErasureThread
from skinapi.privacy.person_file.service import FileSweeper
from skinapi.privacy.retention.service import RetentionPasses


class Background:
    """Whoever serves starts and stops them."""

    def __init__(
        self,
        settings: Settings,
        services: Services,
        model_reloader: ModelReloader,
        archive: ArchiveService,
        privacy: PrivacyServices,
    ) -> None:
        store, data = services.store, services.data
        self.model_reloader = model_reloader
        self.totals, self.key_uses = data.totals, data.key_uses
        self.audit_sealer = AuditSealer(store, data.trail)
        self.erasures = ErasureRetry(store)
        self.scrubber = Scrubber(store, data.erased_ids, settings.instance_dir)
        self.waiting_expiry = WaitingExpiry(
            eraser=services.eraser,
            clock=data.clock,
            life=timedelta(days=settings.waiting_account_days),
        )
        self.erasure = ErasureThread(services.erasure)
        self.link_mailer = LinkMailer(services.recovery)
        self.notice_sender = _notice_sender(settings, services)
        channels = _channels(settings, services, archive)
        self.delivery_sender = DeliverySender(store, data.deliveries, channels, data.failed_items)
        self.reminder_mailer = services.reminder_mailer
        self.unassigned_mailer = UnassignedMailer(store, services.unassigned)
        self.ended_holds = EndedHolds(services.reviews, data.failed_items)
        self.break_glass_expiry = BreakGlassExpiry(privacy.break_glass)
        self.retention = RetentionPasses(privacy.retention)
        self.file_sweeper = FileSweeper(privacy.person_files)

    def start(self) -> None:
        """Call it in the process that serves: a thread does not survive a fork."""
        for thread in self._threads():
            thread.start()

    def stop(self) -> None:
        """End each after what it is doing, before the store is closed."""
        for thread in self._threads():
            thread.stop()

    def _threads(self) -> Iterable[BackgroundThread]:
        return vars(self).values()


def _channels(
    settings: Settings, services: Services, archive: ArchiveService
) -> dict[str, Channel]:
    """How deliveries of each kind are sent."""
    webhooks = services.webhooks
    sender = WebhookSender(
        endpoints=webhooks.endpoints,
        secrets=webhooks.secrets,
        addresses=webhooks.addresses,
        service=webhooks,
        findings=ChangedFindings(records=services.records),
        address=settings.address,
        authorities=settings.trusted_authorities,
    )
    return {WEBHOOK: Channel(sender.send), ARCHIVE: Channel(archive.send)}


def _notice_sender(settings: Settings, services: Services) -> NoticeSender:
    console, address = settings.address, settings.mail_server
    mail_from, links = settings.mail_from or "", services.data.password_links

    def link_to(notice: Notice) -> str:
        # The check of a receipt needs no log-in, and is no page of the console.
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
