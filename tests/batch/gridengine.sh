#!/bin/bash
# gridengine.sh FOLDER: starts a Grid Engine with one host of four slots, all of it in the folder.
# It can't be told on which address to listen, so it has a network of its own with nothing but
# loopback, and a host name that is always right: run this by `unshare --net --mount --uts`.
set -e
cd "$1"
hostname localhost
ip link set lo up
echo "127.0.0.1 localhost" > hosts
mount --bind hosts /etc/hosts

mkdir -p root/default/common qmaster execd spool
for part in bin lib utilbin util; do ln -s "/var/lib/gridengine/$part" "root/$part"; done
export SGE_ROOT=$PWD/root SGE_CELL=default SGE_QMASTER_PORT=20444 SGE_EXECD_PORT=20445
echo localhost > root/default/common/act_qmaster
cat > root/default/common/bootstrap <<END
admin_user         none
default_domain     none
ignore_fqdn        true
spooling_method    berkeleydb
spooling_lib       libspoolb
spooling_params    $PWD/spool
binary_path        /usr/sbin
qmaster_spool_dir  $PWD/qmaster
security_mode      none
listener_threads   2
worker_threads     2
scheduler_threads  1
END

settings=/usr/share/gridengine tools=/usr/lib/gridengine
sed -e '/^#/d; /^$/d; /^min_.id/d' \
  -e "s|^execd_spool_dir.*|execd_spool_dir $PWD/execd|" \
  -e 's|^load_report_time.*|load_report_time 00:00:01|' "$settings/default-configuration" > global
printf 'min_uid 0\nmin_gid 0\n' >> global
"$tools/spoolinit" berkeleydb libspoolb "$PWD/spool" init
"$tools/spooldefaults" configuration global
"$tools/spooldefaults" complexes "$settings/util/resources/centry"
"$tools/spooldefaults" usersets "$settings/util/resources/usersets"
"$tools/spooldefaults" managers "$(id -un)"

until_true() {
  for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
  return 1
}

SGE_ND=1 sge_qmaster > qmaster.log 2>&1 &
echo $! > qmaster.pid
until_true qconf -sh
qconf -as localhost
qconf -ssconf > scheduler
sed -i -e 's/^schedule_interval.*/schedule_interval 0:0:1/' \
  -e 's/^flush_\(submit\|finish\)_sec.*/flush_\1_sec 1/' scheduler
qconf -Msconf scheduler
SGE_ND=1 sge_execd > execd.log 2>&1 &
echo $! > execd.pid
is_known() { qconf -sel | grep -q localhost; }
until_true is_known

printf 'group_name @allhosts\nhostlist localhost\n' > hostgroup
qconf -Ahgrp hostgroup
cat > environment <<END
pe_name            smp
slots              999
user_lists         NONE
xuser_lists        NONE
start_proc_args    NONE
stop_proc_args     NONE
allocation_rule    \$pe_slots
control_slaves     FALSE
job_is_first_task  TRUE
urgency_slots      min
accounting_summary FALSE
qsort_args         NONE
END
qconf -Ap environment
qconf -sq > queue || true
sed -i -e 's/^qname.*/qname all.q/; s/^hostlist.*/hostlist @allhosts/; s/^slots.*/slots 4/' \
  -e 's/^pe_list.*/pe_list smp/; s/^load_thresholds.*/load_thresholds NONE/' \
  -e 's/^notify.*/notify 00:00:10/' queue
qconf -Aq queue
touch ready
