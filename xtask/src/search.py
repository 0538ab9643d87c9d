"""Prints which files, and members of archives, have one of some texts in them: search.py --place TEXT ... FILE ..."""

import argparse
import io
import pathlib
import tarfile
import zipfile

parser = argparse.ArgumentParser()
parser.add_argument("--place", action="append", required=True)
parser.add_argument("files", nargs="+")
given = parser.parse_args()
places = [place.encode() for place in given.place]


def search(name, content):
    for place in places:
        if place in content:
            print(f"{name}: {place.decode()}")
    if zipfile.is_zipfile(io.BytesIO(content)):
        archive = zipfile.ZipFile(io.BytesIO(content))
        for member in archive.namelist():
            search(f"{name}!{member}", archive.read(member))
    elif name.endswith((".tar.gz", ".tgz", ".crate")):
        archive = tarfile.open(fileobj=io.BytesIO(content))
        for member in archive.getmembers():
            if member.isfile():
                search(f"{name}!{member.name}", archive.extractfile(member).read())


for file in given.files:
    search(file, pathlib.Path(file).read_bytes())
