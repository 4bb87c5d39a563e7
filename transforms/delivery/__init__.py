"""How what is decided goes out: whose content, which variant, how much at once, where links lead."""
