"""Measures what a start costs, beside the least that it could cost. Run by ``make bench``."""
