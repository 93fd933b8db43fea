"""Who may use the routes of data sets."""

from skinapi.web.access import Signed, admins

RESEARCHERS = Signed(
    roles=("researcher", "admin"), refusal="Only researchers and admins work with data sets"
)
CHOOSERS = admins("Only admin can choose the reference data set")
