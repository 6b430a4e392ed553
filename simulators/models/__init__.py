"""The machines: physics in SI units, deterministic with a seed, no clock and no network of their own."""
