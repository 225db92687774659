"""Results of jug 2.x, brought into a store of today's jug without computing anything again.

jug 2.x named tasks by other hashes and stored results in another format.  Both are
known, so for each task of a jugfile the hash can be computed that jug 2.x gave it, its
result looked up in the old store, and saved in the new one.  The old store is only read.

    versions   what differed between the versions of jug 2.x, and by what they ran on
    pickling   the pickles that jug 2.x hashed
    own_hashes the hashes that the user's own code computes
    elements   the hashes that jug 2.x gave to values
    hashing    the hash that jug 2.x gave a task
    contents   the bytes that jug 2.x stored, and what value they are
    packs      many results in one pickle
    stores     the stores of jug 2.x, read
    server     what jug 2.x left in a redis server
    adopting   which result of the old store is whose, and saving it in the new one
    moving     the jugdir of jug 2.x that makes room for the new one
    reading    the jugfile, read with what the old store has
    report     what is printed in the end
    command    `jug adopt`
"""
