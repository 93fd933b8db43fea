"""From the bytes of an upload to upright sRGB pixels, within limits that its header is held to.

Begin with `photo.py`.

Other packages import `file_header`, `isolated_process`, `photo`.
"""
