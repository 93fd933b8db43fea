"""Every strength of what befalls the pictures in training, in one value."""

from dataclasses import dataclass, field

from skinapi.learning.data.augmentation import Augmentation
from skinapi.learning.data.degradation import Degradation
from skinapi.learning.data.markings import Marking


@dataclass(frozen=True, slots=True)
class Strengths:
    """What share of the pictures is spoiled or marked, a phase says."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    spoiling: Degradation = field(default_factory=Degradation)
    marking: Marking = field(default_factory=Marking)
