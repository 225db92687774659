#!/bin/bash
#PBS -S /bin/bash
#PBS -N jug-seg-0123abcd-9f3a-x4
#PBS -J 0-4
#PBS -l select=1:ncpus=16:mem=65536mb:ngpus=2
#PBS -l walltime=36:01:30
#PBS -A physics
#PBS -q long
#PBS -v JUG_LEASE_SECONDS,JUG_PREFIX
#PBS -j oe -o "/my data/seg.jugdata.jobs/"
#PBS -r y
#PBS --comment 'no hurry'

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
