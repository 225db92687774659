#!/bin/bash
#BSUB -L /bin/bash
#BSUB -J "jug-seg-0123abcd-9f3a-x4[1-5]"
#BSUB -n 16
#BSUB -R "span[hosts=1]"
#BSUB -R "rusage[mem=65536MB]"
#BSUB -M 65536MB
#BSUB -gpu "num=2"
#BSUB -W 36:02
#BSUB -P physics
#BSUB -q long
#BSUB -o "/my data/seg.jugdata.jobs/%J_%I.log"
#BSUB -r
#BSUB --comment 'no hurry'

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
