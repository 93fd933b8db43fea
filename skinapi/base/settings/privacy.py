from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from skinapi.base.settings.installation import InstallationSettings

# A spot is photographed again after up to 90 days, and compared with its photo of before.
SHORTEST_PHOTOS = 120
SHORTEST_FINDINGS = 365
SHORTEST_MESSAGES = 90
# Its owner is told 30 days before.
SHORTEST_ACCOUNTS = 120
LONGEST = 36600
LONGEST_YEAR = 366
LONGEST_WAIT_DAYS = 28  # by law "without undue delay", and at most a month
MOST_YEARS = 100


class RetainedKind(StrEnum):
    """What goes by itself after a time, which its setting says."""

    PHOTOS = "photos"
    FINDINGS = "findings"
    MESSAGES = "messages"
    ACCOUNTS = "accounts"

    @property
    def setting(self) -> str:
        return f"RETAIN_{self.upper()}_DAYS"


# Accounts are closed first, and erased no sooner than the law allows.
LEAVES_RECORD = frozenset({RetainedKind.ACCOUNTS})


class PrivacySettings(InstallationSettings):
    """Without RETAIN_…_DAYS nothing is deleted automatically."""

    retain_photos_days: int | None = Field(
        default=None,
        ge=SHORTEST_PHOTOS,
        le=LONGEST,
        description="Days after which the photos of a spot are deleted; its findings stay "
        "([what counts](privacy.md#retention)). If empty: never.",
    )
    retain_findings_days: int | None = Field(
        default=None,
        ge=SHORTEST_FINDINGS,
        le=LONGEST,
        description="Days after which a spot is deleted with everything about it. If empty: never.",
    )
    retain_messages_days: int | None = Field(
        default=None,
        ge=SHORTEST_MESSAGES,
        le=LONGEST,
        description="Days after which messages are deleted that need no answer. If empty: never.",
    )
    retain_accounts_days: int | None = Field(
        default=None,
        ge=SHORTEST_ACCOUNTS,
        le=LONGEST,
        description="Days without use after which a patient's account is deleted, with a mail "
        "30 days before. If empty: never.",
    )
    deletion_wait_days: Annotated[int, Field(ge=0, le=LONGEST_WAIT_DAYS)] = Field(
        default=0,
        description="Days between the closing of an account and its erasure, in which an admin "
        "can open it again.",
    )
    record_retention: Annotated[int, Field(ge=1, le=MOST_YEARS)] | None = Field(
        default=None,
        description="Years after the newest signed review or letter before a closed account is "
        "erased. Signed findings cannot be deleted alone. If empty: none.",
    )

    @property
    def retained_days(self) -> dict[RetainedKind, int | None]:
        return {kind: getattr(self, kind.setting.lower()) for kind in RetainedKind}


def faults_of_retention(settings: PrivacySettings) -> Iterator[str]:
    photos, findings = settings.retain_photos_days, settings.retain_findings_days
    if years := settings.record_retention:
        for kind, days in settings.retained_days.items():
            if days and days < years * LONGEST_YEAR and kind not in LEAVES_RECORD:
                yield (
                    f"{kind.setting}={days} deletes what RECORD_RETENTION={years} "
                    f"keeps by law: let it be {years * LONGEST_YEAR} at least, or empty"
                )
    if photos and findings and photos > findings:
        yield (
            f"RETAIN_PHOTOS_DAYS={photos} keeps photos longer than RETAIN_FINDINGS_DAYS={findings} "
            "keeps their findings: a photo goes with its finding, so let it be no more than that"
        )
