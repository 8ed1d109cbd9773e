"""The calendar: rules, sentences and answers that are the same for every service; each service is a plugin beside it."""
