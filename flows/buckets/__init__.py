"""Customers in parts: where a customer belongs, and who works on which part."""
