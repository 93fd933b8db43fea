"""A photo in, a finding out; its record, reviews and reports.

Begin with `prediction/service.py`, then `status/lesion_status.py`: what holds about a spot.

Other packages import `errors`.
"""
