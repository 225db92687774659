#!/bin/bash
#SBATCH --job-name=jug-seg-0123abcd-x1
#SBATCH --array=0-0
#SBATCH --time=1:00:00
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --output=/scratch/seg.jugdata.jobs/%A_%a.log
#SBATCH --requeue --open-mode=append

cd /home/ana || exit
export JUG_END_TIME=$(( $(date +%s) + 3600 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 1 --jugdir /scratch/seg.jugdata seg.py
