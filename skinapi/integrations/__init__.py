"""Doors for other systems. Each folder but `keys` is an area, which a clinic may do without.

Begin with `skinapi/platform/area.py`: each area says in its own what it adds.

Other packages import `patients`.
"""
