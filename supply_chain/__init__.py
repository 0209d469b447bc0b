"""What the layer is made of, and what is known against it."""
