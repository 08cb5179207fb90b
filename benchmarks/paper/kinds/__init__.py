"""What a configuration's ``kind`` names: each module has ``make(task) -> Outcome``."""
