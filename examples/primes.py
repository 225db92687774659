"""Count the primes up to 100, one task for each number.

Shows how a call makes a task, and how tasks become arguments of other tasks.
"""

from time import sleep

from jug import TaskGenerator


@TaskGenerator
def is_prime(n):
    sleep(1.0)  # this runs too fast and is not a good demo
    for divisor in range(2, n - 1):
        if n % divisor == 0:
            return False
    return True


@TaskGenerator
def count_primes(flags):
    return sum(flags)


@TaskGenerator
def write_output(count):
    with open("output.txt", "w") as output:
        output.write(f"Found {count} primes <= 100.\n")


primes100 = [is_prime(n) for n in range(2, 101)]
n_primes = count_primes(primes100)
write_output(n_primes)
