from datetime import datetime

from pydantic import AliasPath, ConfigDict, Field

from skinapi.platform.notices.deliveries import State
from skinapi.platform.web.schemas import Answer


class DeliveryView(Answer):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="of a webhook, its header `webhook-id`")
    type: str = Field(default="", validation_alias=AliasPath("about", "type"))
    created_at: datetime
    state: State
    attempts: int
    tried_at: datetime | None
    due_at: datetime | None = Field(description="when it is tried next; null where it has ended")
    answer: int | None = Field(description="the status of the last answer; null where none came")
    fault: str | None = Field(
        description="why the last attempt failed: `status`, `redirect`, `deadline`, "
        "`unreachable`, `unknown_host`, `address_refused`, `certificate`, `disabled`, `gone`, …"
    )
