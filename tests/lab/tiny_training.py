"""The handler of a training, with a tiny network in the place of MobileNetV2: to trace and export
that one takes half a minute. And with few draws of a bootstrap and one kind of worse pictures: an
interval needs a thousand to be exact, not to be there. And without the charts, which take seconds.
"""

from typing import Any, cast

from skinapi.jobs.process.handlers import JobContext
from skinapi.lab.trainings import training_job
from skinapi.learning.measure import metrics
from skinapi.learning.measure.robustness import stress
from skinapi.learning.package import trained_model
from skinapi.learning.train.networks import ARCHITECTURES, Architecture
from tests.learning import tiny

DRAWS = 40


def train(context: JobContext) -> dict[str, Any]:
    cast("dict[str, Architecture]", ARCHITECTURES)["MobileNetV2"] = tiny.TINY
    metrics.RESAMPLES = DRAWS
    stress.STRESSES = {"blurred": stress.STRESSES["blurred"]}
    vars(trained_model)["draw_charts"] = lambda *_: None
    return training_job.train(context)
