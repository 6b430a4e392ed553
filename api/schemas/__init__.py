"""The JSON shapes. Times end in `_ms` and are milliseconds since 1970-01-01 UTC."""
