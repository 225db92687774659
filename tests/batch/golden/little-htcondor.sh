#!/bin/bash
#CONDOR batch_name = jug-seg-0123abcd-x1
#CONDOR request_cpus = 1
#CONDOR allowed_job_duration = 3600
#CONDOR periodic_remove = JobStatus == 5 && HoldReasonCode == 46
#CONDOR environment = "CONDOR_ID=$(Cluster).$(Process)"
#CONDOR output = /scratch/seg.jugdata.jobs/$(Cluster).$(Process).log
#CONDOR error = /scratch/seg.jugdata.jobs/$(Cluster).$(Process).log
#CONDOR should_transfer_files = NO
#CONDOR queue 1

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
