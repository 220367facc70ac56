"""One module a command of `tenprint`."""
