"""Statistics, computed from the workflow's own tables: nothing is counted twice, or by hand."""
