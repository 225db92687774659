RATE = 3
START = 4
TABLE = {'a': [1, 2]}
UNUSED = 1
