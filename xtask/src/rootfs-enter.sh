# Runs a command in the root filesystem. Runs inside a private mount namespace, which takes the mounts with it.
# Arguments: the root filesystem, the repository, the target folder, then the command.
root=$1 repository=$2 target=$3
shift 3
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir -p "$root$repository"
mount --bind "$repository" "$root$repository"
mount -o remount,bind,ro "$root$repository"
# Maybe in the repository, where it is there already.
mkdir -p "$root$target"
mount --bind "$target" "$root$target"
# A disk of which tests can use every byte.
mkdir -p "$root/small"
mount -t tmpfs -o size=24m none "$root/small"
exec chroot "$root" /usr/bin/env -i \
    PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" "$@"
