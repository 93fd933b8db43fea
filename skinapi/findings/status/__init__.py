"""What holds about a finding and its spot: which reviews count, and what they decide.

Begin with `lesion_status.py`; docs/reviews.md has the rules.

Other packages import `decisions`, `lesion_status`, `reviews`.
"""
