"""A gallery of captures held in FAISS. Knows no gRPC and no SQL; imports nothing else of tenprint."""
