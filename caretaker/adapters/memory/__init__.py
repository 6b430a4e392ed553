"""The ports in memory: for tests and trying out; they pass the same contract suites as the real ones."""
