"""What a caller said for a field of the lead, as a value. Words come from shared/locales."""
