"""What may be said to whom, and what has happened: no HTTP, no network."""
