"""What is deleted by age, and what stays.

Begin with `service.py`.
"""
