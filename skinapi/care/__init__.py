"""A doctor's patients and their findings: lists, spots over time, messages, letters, reminders.

Begin with `queue.py` for doctors, and with `lesions.py` for patients.

Other packages import `lesions`, `letters`, `message_records`, `messages`, `reminders`.
"""
