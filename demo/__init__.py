"""Onward on real data: a year of a grocer's orders, and a mapping of an online retailer's invoices."""
