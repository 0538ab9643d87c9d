# Builds a Debian root filesystem with Swift, and what its tests of mail over MQTT need: TLS and a real broker. Runs inside a private mount namespace.
# Argument: the folder to make, which is there only when it is whole; runs side by side wait for each other.
root=$1 partial=$1.partial
exec 9>"$root.lock"
flock 9
[ ! -d "$root" ] || exit 0
# Never across a mount, should somebody have mounted something there by hand.
rm -rf --one-file-system -- "$partial"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
debootstrap --variant=minbase trixie "$partial"
# Without /proc the compiler does not find its own libraries.
mount -t proc proc "$partial/proc"
mount --bind /dev "$partial/dev"
# No package starts a server.
printf '#!/bin/sh\nexit 101\n' > "$partial/usr/sbin/policy-rc.d"
chmod +x "$partial/usr/sbin/policy-rc.d"
chroot "$partial" apt-get update
chroot "$partial" apt-get install -y --no-install-recommends swiftlang libstdc++-14-dev libc6-dev libssl-dev mosquitto openssl
chroot "$partial" apt-get clean
chroot "$partial" swift --version
umount "$partial/proc" "$partial/dev"
mv --no-target-directory "$partial" "$root"
