"""Ways of sending e-mail: one small module each, all with `open_sender`."""
