"""The columns of every table that crosses a border, each declared once, and their checks."""
