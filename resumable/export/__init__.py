"""Exports: the records of a job in one piece, for those who use them."""
