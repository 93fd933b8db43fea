"""How long mails and deliveries wait for another try: after each failure twice as long."""

from datetime import timedelta

from skinapi.platform.storage.background import backoff


def mail_wait(attempts: int) -> timedelta:
    return backoff(attempts, first=timedelta(minutes=1), longest=timedelta(hours=6))


def delivery_wait(attempts: int) -> timedelta:
    return backoff(attempts, first=timedelta(seconds=5), longest=timedelta(hours=3))
