"""What happens around a match: submissions in, two answers out, people deciding, notices, corrections, statistics.

A process of its own beside the matchers, which know nothing of it; it is a client of theirs.
"""
