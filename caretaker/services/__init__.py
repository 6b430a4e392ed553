"""Use cases: one module per noun, ports as arguments, one transaction each."""
