"""Long work in the background: the record of a job, its queue, and the worker that runs it.

Begin with `job_queue.py`, which alone changes a job.

Other packages import `announcements`, `handlers`, `job`, `job_queue`, `process`, `routes`,
`service`.
"""
