"""What profiles say of people, as other systems write it: consent, e-mail addresses."""
