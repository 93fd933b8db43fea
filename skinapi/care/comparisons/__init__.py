"""Two findings of one spot side by side: whether their photos fit, and what has changed."""
