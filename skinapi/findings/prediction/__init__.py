"""From an account's photo to a stored finding, and a kept photo judged again.

Begin with `service.py`.

Other packages import `service`.
"""
