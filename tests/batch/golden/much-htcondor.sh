#!/bin/bash
#CONDOR batch_name = jug-seg-0123abcd-9f3a-x4
#CONDOR request_cpus = 16
#CONDOR request_memory = 65536MB
#CONDOR request_gpus = 2
#CONDOR allowed_job_duration = 129690
#CONDOR periodic_remove = JobStatus == 5 && HoldReasonCode == 46
#CONDOR accounting_group = physics
#CONDOR getenv = JUG_LEASE_SECONDS,JUG_PREFIX
#CONDOR environment = "CONDOR_ID=$(Cluster).$(Process)"
#CONDOR output = /my data/seg.jugdata.jobs/$(Cluster).$(Process).log
#CONDOR error = /my data/seg.jugdata.jobs/$(Cluster).$(Process).log
#CONDOR should_transfer_files = NO
#CONDOR --comment
#CONDOR no hurry
#CONDOR queue 5

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
