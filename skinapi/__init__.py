"""SkinAPI: from a photograph of a skin lesion to an honest, explained, documented finding."""

import sys

# What OpenVINO shall not load. None stands for a module that is not installed, and must be here
# before the first import of OpenVINO.

# At its import it would send an event to Google Analytics, and several at each conversion of a
# network, each from a copy of the process, and keep an id of the user in the home directory.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
# What converts networks. Only training converts one (learning/train/openvino_export.py loads it).
# It would cost each process of a server 10 MB, and 0.07 s at its start.
sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
