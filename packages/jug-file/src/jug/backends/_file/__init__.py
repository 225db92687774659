"""The parts of a store in a directory; its door is `jug.backends.file_store`."""
