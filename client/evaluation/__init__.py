"""How accurate the pipeline is on a folder of prints: extracted and searched as served, measured, reported."""
