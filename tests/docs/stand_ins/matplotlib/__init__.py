"""Takes every call and draws nothing."""
