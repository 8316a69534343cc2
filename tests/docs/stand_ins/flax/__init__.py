"""As much of flax as the pages use."""
