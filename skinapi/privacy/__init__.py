"""What the law gives a person: their data in one file, its erasure with a receipt, limits of time;
and what an operator must be able to prove: a register of processing, and whom a breach touched.
"""
