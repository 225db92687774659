#!/bin/bash
#SBATCH --job-name=jug-seg-0123abcd-9f3a-x4
#SBATCH --array=0-4
#SBATCH --time=36:01:30
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=65536M
#SBATCH --gres=gpu:2
#SBATCH --account=physics
#SBATCH --partition=long
#SBATCH --output="/my data/seg.jugdata.jobs/%A_%a.log"
#SBATCH --requeue --open-mode=append
#SBATCH --comment 'no hurry'

module load gcc
export X='a b'
cd '/home/ana/my work' || exit
export JUG_END_TIME=$(( $(date +%s) + 129690 ))
export OMP_NUM_THREADS=1
exec /opt/python/bin/python3 -m jug execute -j 4 --jugdir '/my data/seg.jugdata' -- seg.py 'two words'
