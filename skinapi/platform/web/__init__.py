"""What every route shares: its declaration, access, limits, parsing, answers and errors.

Begin with `declaration.py`.

Other packages import `answers`, `declaration`, `rate_limits`, `request_parsing`, `schemas`.
"""
