"""What this process may use of the machine that it is on.

cores     how many it may keep busy
memory    how many bytes
gpus      which devices
cgroups   what the cgroups of Linux say of it
"""
