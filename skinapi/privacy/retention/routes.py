from skinapi.platform.web.declaration import Routes, admins
from skinapi.privacy.retention.service import RetentionService, RetentionView

routes: Routes[RetentionService] = Routes(access=admins("Only admin can view retention"))


@routes.route("GET", "/retention")
def show_retention(retention: RetentionService) -> RetentionView:
    """How long each kind of data is kept, which accounts are kept, and what the last sweeps have
    deleted.
    """
    return retention.get_overview()
