"""Workers in jobs of a batch system: asking for them, and seeing what they do.

A job is a place where a worker lives for a while.  What is done, and who works on what, the
store says; so nothing is kept about jobs, and nothing has to be told when one begins, ends or
dies.  The queue is asked by the names of jobs, for people and for how many are to be added,
never for what must be right: a queue that fails costs a line.

    programs        the programs of a batch system, with a time limit
    names           what jobs are called: which jugfile and store they are for, and what they do
    request         jobs that are asked for, all of them alike
    templates       scripts with fields, and how they are filled in
    systems         the batch systems: a module for each
    folders         where scripts and logs are
    left            what is left to do, and whether it fits into the time of a job
    purpose         what the workers of a command line are to do
    asking          what the options of a command ask for
    submission      how many jobs to ask for, and asking for them
    watching        asking again, until all is done
    overview        the jobs beside what their workers do
    submit_command  `jug submit`
    jobs_command    `jug jobs`
    status_line     what `jug status` says of the queue
"""
