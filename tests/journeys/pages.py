"""Every page by its address, with its heading, as the app lists them."""

import re
from pathlib import Path

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
PAGES = {
    "" if default else name: title
    for name, title, default in re.findall(
        r'st\.Page\((\w+), title="([^"]+)"[^)]*?(default=True)?\)', APP.read_text(encoding="utf-8")
    )
}
