# Builds a Debian root filesystem with Swift. Runs inside a private mount namespace.
# Arguments: the folder to make, then the mount points to make in it.
root=$1
shift
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
debootstrap --variant=minbase trixie "$root"

# Without /proc the compiler does not find its own libraries.
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
chroot "$root" apt-get update
chroot "$root" apt-get install -y --no-install-recommends swiftlang libstdc++-14-dev libc6-dev
chroot "$root" apt-get clean
chroot "$root" swift --version

for point in "$@"; do
    mkdir -p "$root$point"
done
