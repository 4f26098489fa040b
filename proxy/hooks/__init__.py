"""The providers' door, provider by provider: what webhooks tell, and how they prove to be the provider's."""
