"""One file per provider; base.py holds the contract they keep."""
