"""Situations that people reported of products like this one: inputs in a folder each, and what is right as a test."""
