from skinapi.accounts.auth.events import ConsentWithdrawn, KeptPhotosUnwanted
from skinapi.findings.records.events import FindingDeleted, FindingVoided, PhotosErasedAgain
from skinapi.platform.area import Stored

CLEANUP = "skinapi.lab.checks.check_queue:Cleanup"
COPIES = "skinapi.lab.reviewed_findings:ContributedPictures"

STORED = Stored(
    erases={
        ConsentWithdrawn: f"{COPIES}.on_withdrawn",
        KeptPhotosUnwanted: f"{COPIES}.on_unwanted",
        **dict.fromkeys((FindingDeleted, FindingVoided, PhotosErasedAgain), f"{COPIES}.on_gone"),
    },
    forgets={"dataset_pictures": f"{COPIES}.forget", "datasets": f"{CLEANUP}.forget"},
)
