"""What is sent from here: notices by mail, and deliveries to other systems.

Begin with `outbox.py` for mails, and with `deliveries.py`.

Other packages import `deliveries`, `outbox`.
"""
