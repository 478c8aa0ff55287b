"""States, kinds and events as pages show them: an icon, a word, a sentence."""
