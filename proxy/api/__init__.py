"""The operators' door: users, events, records."""
