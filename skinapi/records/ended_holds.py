"""Holds that end by their time: the lists, and whoever asks what has changed, learn of it then."""

from skinapi.records.review_service import ReviewsService
from skinapi.storage.background import PeriodicThread
from skinapi.storage.failed_items import FailedItems
from skinapi.storage.ids import now

PASS_EVERY_S = 60.0
SHOWN_AT_ONCE = 100


class EndedHolds(PeriodicThread):
    """Any process may make a pass: what one has shown, another does not find any more."""

    def __init__(self, reviews: ReviewsService, failed: FailedItems) -> None:
        super().__init__("ended-holds", every_s=PASS_EVERY_S, failure="held decisions not shown")
        self._reviews, self._failed = reviews, failed

    def make_pass(self) -> None:
        ended = self._reviews.submissions.list_shown(now(), SHOWN_AT_ONCE)
        pairs = ((one, one) for one in ended)
        for _ in self._failed.each("hold", pairs, self._reviews.show_ended):
            pass
