"""All workflows as pages that need no server: what each does, in sentences and maps, from the files alone."""
