#!/bin/bash
#$ -S /bin/bash
#$ -N jug-seg-0123abcd-9f3a-x4
#$ -t 1-5
#$ -l h_rt=36:01:30
#$ -pe smp 16
#$ -l h_vmem=4096M
#$ -l gpu=2
#$ -P physics
#$ -q long
#$ -v JUG_LEASE_SECONDS,JUG_PREFIX
#$ -j y -o "/my data/seg.jugdata.jobs/$JOB_ID_$TASK_ID.log"
#$ -r y -notify
#$ --comment 'no hurry'

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
