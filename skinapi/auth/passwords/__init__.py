"""Passwords: how they are hashed, checked and guessed at."""
