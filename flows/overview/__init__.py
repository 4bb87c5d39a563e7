"""What there is, at a glance: how a store stands, its workflows in sentences."""
