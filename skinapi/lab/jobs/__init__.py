"""What runs in the process of a job: trainings and imports, and their comparison."""
