"""The `reslab` command: parse, call, print, set the exit code; nothing else."""
