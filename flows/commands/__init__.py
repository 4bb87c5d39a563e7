"""The commands of `onward`, by subject: arguments in, sentences and exit codes out."""
