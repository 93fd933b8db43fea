"""Every strength of what befalls the pictures in training, in one value."""

from dataclasses import dataclass, field

from skinapi.learning.augment import Augmentation
from skinapi.learning.markings import Marking
from skinapi.learning.spoiling import Spoiling


@dataclass(frozen=True, slots=True)
class Strengths:
    """What share of the pictures is spoiled or marked, a phase says."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    spoiling: Spoiling = field(default_factory=Spoiling)
    marking: Marking = field(default_factory=Marking)
