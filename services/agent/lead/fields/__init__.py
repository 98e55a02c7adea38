"""What a caller said for a field of the lead, as a value."""
