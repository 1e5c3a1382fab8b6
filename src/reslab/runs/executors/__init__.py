"""Where jobs are carried out: in this process, in several of this machine, on a Ray cluster."""
