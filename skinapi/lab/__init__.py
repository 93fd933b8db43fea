"""Data sets, trainings on them, and networks that come from elsewhere (imports).

Begin with `service.py`.

Other packages import `errors`, `service`.
"""
