"""The erasure of an account: asked for, taken back, carried out, and proved by a receipt.

Begin with `service.py`.
"""
