"""Simulate an epidemic for many parameters; end in a table and in a plot.

How many people fall ill, as infections are likelier and illness is longer?  Each pair of
parameters is simulated several times with other random numbers, as chance matters.  The
runs of a pair are summed up in a task of their own, so that more pairs, or more runs, leave
all that was computed as it is.

    pip install jug numpy matplotlib
    jug execute -j 4 sweep.py     the table is in sweep.csv, the plot in sweep.png
"""

import csv

import numpy as np

from jug import TaskGenerator

PEOPLE = 1000
CONTACTS = (0.1, 0.2, 0.3, 0.4, 0.5)
DAYS_ILL = (2, 4, 6, 8)
RUNS = range(6)


@TaskGenerator
def epidemic(contact, days, run):
    """Return which share of the people was ill at some time, and when most were."""
    random = np.random.default_rng([run, int(1000 * contact), days])
    well, ill, day, most, peak = PEOPLE - 5, 5, 0, 5, 0
    while ill:
        day += 1
        caught = random.binomial(well, 1 - np.exp(-contact * ill / PEOPLE))
        recovered = random.binomial(ill, 1 / days)
        well, ill = well - caught, ill + caught - recovered
        if ill > most:
            most, peak = ill, day
    return 1 - well / PEOPLE, peak


@TaskGenerator
def summary(runs):
    """Return the means over the runs, and how much the shares differ."""
    shares, peaks = np.array(runs).T
    return float(shares.mean()), float(shares.std()), float(peaks.mean())


@TaskGenerator
def write_table(rows):
    with open("sweep.csv", "w", newline="") as output:
        table = csv.writer(output)
        table.writerow(["contact", "days_ill", "share", "deviation", "peak_day"])
        for (contact, days), numbers in rows:
            table.writerow([contact, days, *(round(number, 3) for number in numbers)])


@TaskGenerator
def draw(rows):
    import matplotlib  # only this task needs it, so only its worker has to have it

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    for days in DAYS_ILL:
        chosen = [(contact, numbers) for (contact, ill), numbers in rows if ill == days]
        shares = [numbers[0] for _, numbers in chosen]
        deviations = [numbers[1] for _, numbers in chosen]
        contacts = [contact for contact, _ in chosen]
        axes.errorbar(contacts, shares, deviations, capsize=3, label=f"ill for {days} days")
    axes.set(xlabel="infections by one person and day", ylabel="share of people who fell ill")
    axes.legend()
    figure.savefig("sweep.png")


rows = [
    ((contact, days), summary([epidemic(contact, days, run) for run in RUNS]))
    for contact in CONTACTS
    for days in DAYS_ILL
]
write_table(rows)
draw(rows)
