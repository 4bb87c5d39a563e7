"""Folders of definition files, their versions in the store, and what a tick decides by."""
