"""How reslab writes and reads files: atomically, verified, and never by unpickling."""
