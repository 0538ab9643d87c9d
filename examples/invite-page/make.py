"""Makes the page of an invitation: one file to put on any web server.

    python make.py BOT.wl "Harbour office" > invite.html

The passphrase is taken from WINDLASS_PASSPHRASE. The invitation is a reusable one; make the page anew before it expires.
"""

import os
import sys
from html import escape
from pathlib import Path

from windlass_chat import Bundle, Client

TEMPLATE = Path(__file__).with_name("index.html")


def page(bundle: Bundle, name: str) -> str:
    """The page for a bundle."""
    if bundle.single_use():
        raise ValueError("a single-use invitation is for one person; publish a reusable one")
    filled = {
        "name": escape(name),
        "uri": bundle.to_uri(),
        "address": bundle.identity().address(),
        "expires": f"{bundle.expires_at():%d %B %Y}",
        # The declaration stands at the beginning of a file only.
        "svg": bundle.qr_svg().split("?>", 1)[1],
    }
    text = TEMPLATE.read_text()
    for word, value in filled.items():
        text = text.replace("{{" + word + "}}", value)
    return text


if __name__ == "__main__":
    with Client.open(sys.argv[1], passphrase=os.environ["WINDLASS_PASSPHRASE"]) as client:
        print(page(client.bundle(), sys.argv[2]))
