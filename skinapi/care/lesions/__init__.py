"""The spots of an account, each with its findings in the order of time."""
