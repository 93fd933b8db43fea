"""Reviews of findings, findings filed for the wrong patient, and results counted.

Begin with `service.py`.

Other packages import `corrections`, `service`.
"""
