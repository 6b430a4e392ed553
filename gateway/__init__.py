"""Floor 5: speaks to the field and hands over what it says."""
