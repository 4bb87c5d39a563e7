"""What all transforms share about columns: arrays of numbers, texts and JSON values as numbers, ids."""
