"""A photo in, a finding out; its record, reviews and reports.

Begin with `prediction/service.py`, then `status/spot_view.py`: what holds about a spot.

Other packages import `errors`.
"""
