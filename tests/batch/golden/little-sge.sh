#!/bin/bash
#$ -S /bin/bash
#$ -N jug-seg-0123abcd-x1
#$ -t 1-1
#$ -l h_rt=1:00:00
#$ -j y -o /scratch/seg.jugdata.jobs/$JOB_ID_$TASK_ID.log
#$ -r y -notify

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
