"""Files of any format and shape to staged, canonical rows; the faulty ones with their reason."""
