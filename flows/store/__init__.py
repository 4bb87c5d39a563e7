"""What lies under the state and published folders, and its life."""
