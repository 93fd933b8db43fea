"""Keys with which programs call: stored, admitted, made and revoked.

Begin with `admission.py`.

Other packages import `api_keys`.
"""
