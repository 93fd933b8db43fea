"""Its fixed limits, as docs/operate/configure.md has them."""

from skinapi.integrations.webhooks.endpoints import MOST_ENDPOINTS
from skinapi.integrations.webhooks.service import DEADLINE_S, DISABLED_AFTER
from skinapi.platform.notices.deliveries import DAY

LIMITS = (
    ("webhooks", str(MOST_ENDPOINTS)),
    ("a webhook may take to answer", f"{DEADLINE_S:g} s"),
    ("a message that a webhook does not take is given up", f"{DAY.days} days"),
    ("a webhook that takes nothing is switched off", f"{DISABLED_AFTER.days} days"),
)
