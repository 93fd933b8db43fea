"""The errors that only jobs raise."""

from skinapi.errors import Conflict, TooManyRequests
from skinapi.jobs.job import MOST_UNFINISHED


class TooManyJobs(TooManyRequests):
    code = "too_many_jobs"
    sentence = (
        f"At most {MOST_UNFINISHED} of your jobs may wait or run at the same time. Wait for one to "
        "end, or cancel one"
    )


class JobEnded(Conflict):
    code, sentence = "job_ended", "This job has ended, so it cannot be cancelled"


class JobNotEnded(Conflict):
    code = "job_not_ended"
    sentence = "Only a job that failed or was cancelled can be started again"
