"""A small shop of risk."""
