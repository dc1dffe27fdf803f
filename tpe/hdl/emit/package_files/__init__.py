"""What stands beside an engine's RTL in an emitted directory, a module for each kind of file."""
