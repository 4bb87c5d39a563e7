"""Everything that touches the world: disk, network, clock, Prefect."""
