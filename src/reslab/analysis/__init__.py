"""What stored runs show; starts none."""
