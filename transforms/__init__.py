"""Pure transforms: frames in, frames out; no disk, no network, no clock, no randomness."""
