"""The week's report as a mail to those who run the store."""
