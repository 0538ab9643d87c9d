"""`occupy_streams`: no file of ours gets the number of a standard stream."""

from __future__ import annotations

import os


def occupy_streams() -> None:
    """Opens nothing in place of each standard stream that is closed. Before a store is opened: it would get the number that is
    missing, and what some library writes to standard error would be written into the store.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
