"""What a caller may use up within a time. The web counts it (platform/web/rate_limits.py)."""

from typing import Protocol


class Allowances(Protocol):
    """`caller` is an account or an address; a role may have an allowance of its own."""

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None:
        """Count so many photos of the day, or none. Raises PredictionQuotaReached."""

    def count_rendering(self, caller: str, role: str | None) -> None:
        """Count a report that is drawn as a page, or a comparison of photos. Raises
        TooManyRequests.
        """
