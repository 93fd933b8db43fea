"""What runs in the process of a job: its guard, its handler, and the limits of both."""
