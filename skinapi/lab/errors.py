from collections.abc import Mapping
from typing import Any

from skinapi.base.errors import BadDataset, Conflict, SkinAPIError


class BadArchive(BadDataset):
    code, sentence = "bad_archive", "The archive cannot be unpacked"


class RefusedDataset(BadDataset):
    def __init__(
        self, sentence: str | None = None, *, report: Mapping[str, Any] | None = None
    ) -> None:
        self.report = dict(report or {})
        super().__init__(sentence)


class InterruptedCheck(RefusedDataset):
    code, sentence = "interrupted_check", "The check was interrupted; send the data set again"


class UploadInUse(Conflict):
    code, sentence = "upload_in_use", "A data set of this upload is checked at this moment"


class UnknownLabels(RefusedDataset):
    code, sentence = "unknown_labels", "The data set has labels that are not known"


class WrongOffset(Conflict):
    code, sentence = "wrong_offset", "The upload does not continue at this offset"


class NameTaken(Conflict):
    code = "name_taken"
    sentence = "Another account has data sets of this name; choose another name"


class DatasetInUse(Conflict):
    code, sentence = "dataset_in_use", "A job uses this data set; cancel the job or wait for it"


class DatasetQuotaReached(SkinAPIError):
    status, code = 507, "dataset_quota_reached"
    sentence = "This account keeps as many data sets as it may; delete some, then try again"
