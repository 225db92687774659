#!/bin/bash

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
