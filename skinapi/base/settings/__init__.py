"""All settings, their checks, and what the server refuses to start with (`safety.py`).

Begin with `settings.py`, which makes one class of those of the other modules and of the areas.

Other packages import `demo_folder`, `installation`, `instance_folder`, `privacy`, `server`,
`settings`, `value_checks`.
"""
