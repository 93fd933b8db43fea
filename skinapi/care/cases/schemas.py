"""What crosses the wire about doctors' cases."""

from typing import Annotated

from pydantic import Field, StringConstraints

from skinapi.auth.accounts.emails import LONGEST_TYPED
from skinapi.web.schemas.schema_types import Body


class AskedColleague(Body):
    colleague: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TYPED)] = Field(
        description="the e-mail or the id of another active doctor"
    )
