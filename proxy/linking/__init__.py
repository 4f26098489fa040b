"""Unsubscribe links in mail on its way, provider by provider: where the headers and texts of each mail stand."""
