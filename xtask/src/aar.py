"""Puts the archive for Android together: aar.py FOLDER NAME JAR POM BILL ABI=LIBRARY ...

FOLDER gets NAME.aar and NAME.pom. The classes and the consumer rules are those of the jar, what is asked for is what the POM asks for.
"""

import io
import pathlib
import re
import struct
import sys
import zipfile
import xml.etree.ElementTree as xml

# The page size of newer devices: a library whose parts share such a page cannot be loaded there.
PAGE = 16384
# How ELF calls the machine of each ABI.
MACHINES = {"arm64-v8a": 183, "x86_64": 62}
# Decided by java.time, which the package's interface has.
OLDEST = 26
RULES = "META-INF/proguard/windlass.pro"
MANIFEST = f"""<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="dev.windlass">
    <uses-sdk android:minSdkVersion="{OLDEST}" />
</manifest>
"""
MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def fault(library, abi):
    """What is wrong with a library for this ABI: ELF for another machine, or for smaller pages only."""
    if library[:6] != b"\x7fELF\x02\x01":
        return "no little-endian ELF of 64 bits"
    kind, machine = struct.unpack_from("<HH", library, 16)
    if (kind, machine) != (3, MACHINES[abi]):
        return f"not a shared library for {abi}"
    (start,), (size, count) = struct.unpack_from("<Q", library, 32), struct.unpack_from("<HH", library, 54)
    for number in range(count):
        header = start + number * size
        (loaded,), (alignment,) = struct.unpack_from("<I", library, header), struct.unpack_from("<Q", library, header + 48)
        if loaded == 1 and alignment % PAGE:
            return f"a part is aligned to {alignment} bytes, and pages of {PAGE} need as many"
    return None


def packed(members):
    """An archive that is the same bytes for the same members."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            out.writestr(entry, content)
    return archive.getvalue()


def classes(jar, bill):
    """What of the jar an app is compiled against: no libraries of other systems, and the bill of materials of this one."""
    kept = {}
    for name in jar.namelist():
        elsewhere = pathlib.PurePosixPath(name).suffix in {".so", ".dylib", ".dll"} or name.startswith("META-INF/sbom/")
        if not name.endswith("/") and not elsewhere and name != RULES:
            kept[name] = jar.read(name)
    return packed(kept | {f"META-INF/sbom/{bill.name}": bill.read_bytes()})


def pom(text):
    """The jar's POM, for the archive: without what builds and tests the jar, and with JNA as an archive too."""
    xml.register_namespace("", MAVEN.strip("{}"))
    jar = xml.fromstring(text)
    named = {entry.tag.removeprefix(MAVEN): entry.text for entry in jar.find(f"{MAVEN}properties")}
    for gone in ("properties", "build", "profiles"):
        jar.remove(jar.find(MAVEN + gone))
    jar.find(f"{MAVEN}artifactId").text += "-android"
    jar.find(f"{MAVEN}packaging").text = "aar"
    wanted = jar.find(f"{MAVEN}dependencies")
    for entry in list(wanted):
        if entry.findtext(f"{MAVEN}scope") == "test":
            wanted.remove(entry)
        elif entry.findtext(f"{MAVEN}artifactId") == "jna":
            xml.SubElement(entry, f"{MAVEN}type").text = "aar"
    xml.indent(jar)
    text = xml.tostring(jar, encoding="unicode") + "\n"
    return re.sub(r"\$\{([a-z.]+)\}", lambda name: named[name[1]], text)


def main(folder, name, jar, jar_pom, bill, *libraries):
    members = {"AndroidManifest.xml": MANIFEST, "R.txt": ""}
    for abi, path in (entry.split("=", 1) for entry in libraries):
        library = pathlib.Path(path).read_bytes()
        if wrong := fault(library, abi):
            sys.exit(f"{path}: {wrong}")
        members[f"jni/{abi}/libwindlass.so"] = library
    with zipfile.ZipFile(jar) as archive:
        members["classes.jar"] = classes(archive, pathlib.Path(bill))
        members["proguard.txt"] = archive.read(RULES)
    folder = pathlib.Path(folder)
    (folder / f"{name}.aar").write_bytes(packed(members))
    (folder / f"{name}.pom").write_text(pom(pathlib.Path(jar_pom).read_text(encoding="utf-8")), encoding="utf-8")


main(*sys.argv[1:])
