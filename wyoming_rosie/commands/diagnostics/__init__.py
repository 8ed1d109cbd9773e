"""What `wyoming-rosie doctor` looks at, and what it advises."""
