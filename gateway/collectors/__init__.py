"""One package per protocol of the field: bytes in, decoded batches out."""
