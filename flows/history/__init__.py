"""Events and customers laid out once, by key range, for whoever reads them often."""
