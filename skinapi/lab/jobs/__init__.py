"""What runs in the process of a job: trainings and imports, and their comparison.

Begin with `training_job.py`.
"""
