"""Request bodies on a real server: late, slow, large, smuggled."""
