"""What users would get for the pictures: refusals, bands, prediction sets."""
