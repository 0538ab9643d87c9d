# Unpacks a Debian with packages, and configures nothing of it: that would run programs, which may be of another machine.
# Arguments: the folder to make, which is there only when it is whole, Debian's names of the machine and of itself, and the packages.
root=$1 partial=$1.partial architecture=$2 suite=$3 packages=$4
exec 9>"$root.lock"
flock 9
[ ! -d "$root" ] || exit 0
rm -rf --one-file-system -- "$partial"
debootstrap --foreign --arch="$architecture" --variant=minbase --include="$packages" "$suite" "$partial"
for package in "$partial"/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$partial"
done
mv --no-target-directory "$partial" "$root"
