"""Runtime parts that all programs share: workers, tasks, queues, retries, child processes, systemd, files and secrets."""
