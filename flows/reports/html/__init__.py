"""The reports as one HTML page that asks nothing of the network."""
