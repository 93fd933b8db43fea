from pathlib import Path

from pydantic import Field, PositiveInt

from skinapi.base.settings.installation import AreaSettings


class LabSettings(AreaSettings):
    max_dataset_bytes: PositiveInt = Field(
        default=2 * 1024**3,
        description="Largest data set in bytes, as it is sent and unpacked. The check of one "
        "needs about three times as much free space in INSTANCE_DIR.",
    )
    dataset_quota_bytes: PositiveInt = Field(
        default=20 * 1024**3,
        description="Bytes of data sets and unfinished uploads that one account may keep.",
    )
    starting_weights: Path | None = Field(
        default=None,
        description="Folder with ImageNet weights from which trainings begin, for other "
        "architectures than that of the model in service.",
    )
    not_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of photographs of anything but skin, for the detector that refuses "
        "them. A model without it does not pass the gates.",
    )
    normal_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of pictures of healthy skin, which trainings in the lab learn too.",
    )

    @property
    def quarantine(self) -> Path:
        return self.instance_dir / "quarantine"

    @classmethod
    def list_folders(cls) -> list[str]:
        own = ["starting_weights", "not_skin_pictures", "normal_skin_pictures"]
        return [*super().list_folders(), *own]
