"""What is sent from here: notices by mail, and deliveries to other systems."""
