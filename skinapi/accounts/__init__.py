"""Users and what admins do."""
