"""Language models: the agent, its tools, and the choice of a model."""
