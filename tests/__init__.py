"""A package, so that a `tests` of some library can never be taken for it."""
