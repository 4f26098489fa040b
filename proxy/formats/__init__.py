"""Formats that several providers take, each read strictly; pure, and known to no provider by name."""
