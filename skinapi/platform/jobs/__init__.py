"""Long work in the background: the record of a job, its queue, and the worker that runs it."""
