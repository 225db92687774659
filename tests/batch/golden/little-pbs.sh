#!/bin/bash
#PBS -S /bin/bash
#PBS -N jug-seg-0123abcd-x1
#PBS -l select=1:ncpus=1
#PBS -l walltime=1:00:00
#PBS -j oe -o /scratch/seg.jugdata.jobs/
#PBS -r y

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
