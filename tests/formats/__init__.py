"""Files of any format and shape to staged rows."""
