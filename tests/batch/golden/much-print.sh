#!/bin/bash

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
