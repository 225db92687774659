#!/bin/bash
#BSUB -L /bin/bash
#BSUB -J "jug-seg-0123abcd-x1[1-1]"
#BSUB -n 1
#BSUB -R "span[hosts=1]"
#BSUB -W 1:00
#BSUB -o /scratch/seg.jugdata.jobs/%J_%I.log
#BSUB -r

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
