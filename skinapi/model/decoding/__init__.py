"""From the bytes of an upload to upright sRGB pixels, within limits that its header is held to."""
