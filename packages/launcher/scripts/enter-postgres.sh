#!/bin/sh
# Only where the launcher is root: PostgreSQL refuses to run as root, and the user nobody cannot enter somebody's home folder of mode 700. So, in a mount
# namespace of its own, the binaries and the data appear in a folder that everybody may enter, and the program runs there as nobody.
#   enter-postgres.sh NATIVE_DIR DATA_DIR PLACE PROGRAM ARGUMENT…      (sees NATIVE_DIR as PLACE/native, DATA_DIR as PLACE/data)
set -eu
native=$1 data=$2 place=$3 program=$4
shift 4
mkdir -p "$place/native" "$place/data"
mount --bind "$native" "$place/native"
mount --bind "$data" "$place/data"
cd "$place/data"
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$place/native/bin/$program" "$@"
