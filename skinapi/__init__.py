"""SkinAPI: from a photograph of a skin lesion to an honest, explained, documented finding."""

import sys

# OpenVINO would send an event to Google Analytics at its import and several at each conversion of a
# network, each from a copy of the process, and keep an id of the user in the home directory. It
# sends none where this package of it is not installed. None stands for that: it must be here before
# the first import of OpenVINO.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
