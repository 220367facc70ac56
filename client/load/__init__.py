"""Load: a generator that asks when it said it would, whatever the server does, and a report that hides nothing."""
