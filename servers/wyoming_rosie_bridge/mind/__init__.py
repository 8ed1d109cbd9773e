"""Mind: requests to language models, routed and answered."""
