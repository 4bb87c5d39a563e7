"""Content: layouts, budgets, filters, MJML, links, lints."""
