"""What every program runs on: workers, tasks, child processes, systemd, files."""
