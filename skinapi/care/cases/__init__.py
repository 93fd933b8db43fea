"""A doctor's case: take a finding of the queue, give it back, ask a colleague about it."""
