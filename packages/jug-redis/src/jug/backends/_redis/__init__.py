"""The parts of a store in a redis server; its door is `jug.backends.redis_store`."""
