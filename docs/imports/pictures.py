"""Take the pictures of docs/imports.md anew: `python docs/imports/pictures.py`.

Starts an installation of its own in a temporary folder, imports invented feeds through its pages
as the guide tells it, and pictures each stop by Playwright and the machine's Chromium.
"""

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MARGIN = 12  # pixels around what is pictured

COLUMNS = "Art. no;Title;Colour;Dim;Category;EAN;Project price;Trade price;Stock"
WRONG_PRICES = {7: "24,95/m2/box", 19: "35,15/m2/box", 28: "42,80/m2/box"}
LINES = ("Saltmarsh", "Moorland", "Harbour", "Quarry")
KINDS = ("floor tile", "wall tile", "mosaic")
COLOURS = ("grau/matt", "weiss/matt", "grau/poliert", "blau/matt")
SIZES = ("60x60 cm", "30x60 cm", "20x20 cm")
DANISH = ("Gulvflise grøn", "Mosaik rød", "Gulvflise rød", "Mosaik grøn")  # too little to tell


def tiles(rows: int, first_price: float, *, further: bool = False) -> bytes:
    """A price list of invented tiles; with a `further` column come four rows that fail."""
    lines = [COLUMNS + (";Weight" if further else "")]
    for n in range(1, rows + 1):
        price = first_price + n * 0.85
        trade = f"{price:.2f}".replace(".", ",")
        project = f"{price * 1.4:.2f}".replace(".", ",")
        line, colour, size = LINES[n % 4], COLOURS[n % 4], SIZES[n % 3]
        code, name = f"BW-{n:04}", f"{line} {KINDS[n % 3]} {n:02}"
        if further:
            trade, code = WRONG_PRICES.get(n, trade), "" if n == 33 else code
        cells = [code, name, colour, size, f"Floors > {line}", _ean(n), project, trade, str(n * 7)]
        lines.append(";".join(cells + ["12,5 kg"] * further))
    return ("\n".join(lines) + "\n").encode()


def danish() -> bytes:
    """A list as an old Macintosh writes it, which no file says of itself."""
    lines = ["Code;Name;Size;Price;Stock"]
    lines += [f"FF-{n:03};{DANISH[n % 4]} {n};60x60 cm;{300 + n},50;{n}" for n in range(1, 41)]
    return "\n".join(lines).encode("mac-roman")


def _ean(number: int) -> str:
    body = f"40077700{number:04}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-weighed % 10}"


class Walk:
    """A person who goes through the pages, with a camera."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address

    def log_in(self, password: str) -> None:
        self.page.goto(f"{self.address}/admin/login/")
        self.page.fill("[name=username]", "admin")
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.locator("main").wait_for()

    def fill_start(self, name: str, content: bytes, supplier: str, *, show: bool = True) -> None:
        self.page.goto(f"{self.address}/admin/data-import")
        panel = self.page.locator(".jt-panel:has(#jt-start)")
        panel.locator("[name=feeds]").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content}
        )
        panel.locator("[name=supplier]").fill(supplier)
        panel.locator("[name=confirm]").select_option("new" if show else "")

    def start(self) -> str:
        """Press the button; returns the address of the import."""
        self.page.get_by_role("button", name="Start import").click()
        self.page.wait_for_url(re.compile(r"/data-import/[0-9a-f-]{36}"))
        return self.page.url.rstrip("/")

    def until(self, said: str) -> None:
        self.page.locator("#jt-top .jt-title").get_by_text(said).wait_for()

    def picture(self, name: str, *parts: str, height: int = 0) -> None:
        """What the `parts` of the page span, or the first `height` pixels of it."""
        self.page.mouse.move(0, 0)
        self.page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        self.page.wait_for_timeout(800)  # colours of the pointer and the focus fade
        found = [self.page.locator(part).first for part in parts]
        boxes = [box for box in map(Locator.bounding_box, found) if box]
        left = min(box["x"] for box in boxes) - MARGIN
        top = min(box["y"] for box in boxes) - MARGIN
        right = max(box["x"] + box["width"] for box in boxes) + MARGIN
        bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
        size = {"width": right - left, "height": min(height or bottom, bottom - top)}
        shot = self.page.screenshot(full_page=True, clip={"x": left, "y": top, **size})  # type: ignore[arg-type]
        few = Image.open(io.BytesIO(shot)).convert("RGB").quantize(96, dither=Image.Dither.NONE)
        few.save(HERE / f"{name}.png", optimize=True)


def _say_colours_in_english(page: Page) -> None:
    colour = page.locator("li:has(> div > code:text-is('Colour'))")
    colour.get_by_role("button", name="Change values").click()
    for kind, setting, value in (("split", "by", "/"), ("take", "part", "1"), ("replace", "", "")):
        colour.locator(".jt-step-add select").select_option(kind)
        colour.get_by_role("button", name="Add this step").click()
        colour.locator(f"input[value={kind}]").wait_for(state="attached")
        if setting:
            colour.locator(f"[name$='-{setting}']").fill(value)
    colour.locator("textarea").fill("grau = grey\nweiss = white\nblau = blue")
    colour.locator(".jt-examples b", has_text="blue").wait_for()


def story(walk: Walk) -> None:
    """The guide's story, from the first file to the supplier's page."""
    page = walk.page
    brightwater = "Brightwater Tiles"
    walk.fill_start("tiles.csv", tiles(60, 18), brightwater)
    walk.picture("start", ".jt-panel:has(#jt-start)")
    first = walk.start()
    walk.until("Waiting for a person")
    walk.picture("waits", "#import-steps", "#import-rows")

    page.goto(f"{first}/mapping")
    walk.picture("mapping", "#import-steps", ".jt-map")
    _say_colours_in_english(page)
    walk.picture("step", "li:has(> div > code:text-is('Colour'))")
    page.locator("input[value='Trade price'][type=radio]").check()
    page.locator(".jt-dock [name=currency]").fill("EUR")
    page.get_by_role("button", name="Confirm and import").click()
    page.wait_for_url(first + "*")
    page.goto(first)
    walk.until("Completed")

    walk.fill_start("tiles.csv", tiles(62, 19, further=True), brightwater)
    second = walk.start()
    walk.until("Waiting for a person")
    page.goto(f"{second}/mapping")
    _say_colours_in_english(page)
    page.locator("input[value='Trade price'][type=radio]").check()
    page.locator(".jt-dock [name=currency]").fill("EUR")
    page.locator(".jt-dock").get_by_role("button", name="Preview").click()
    page.locator("#import-updates").wait_for()
    walk.picture("preview", "#import-steps", ".jt-dock", height=900)
    page.get_by_role("button", name="Confirm and import").click()
    page.goto(second)
    walk.until("Completed")
    page.reload()
    walk.picture("run", "#import-steps", "#import-rows", height=1000)

    walk.fill_start("fabrics.csv", (ROOT / "samples/fabrics.csv").read_bytes(), "Weaver & Loom")
    fabrics = walk.start()
    walk.until("Waiting for a person")
    page.goto(f"{fabrics}/mapping")
    page.get_by_role("button", name="Confirm and import").click()
    page.wait_for_url(fabrics + "*")
    walk.until("Completed")
    page.goto(f"{walk.address}/admin/data-import/templates")
    walk.picture("templates", "main")
    page.goto(f"{walk.address}/admin/suppliers")
    page.get_by_role("link", name=brightwater).click()
    walk.picture("supplier", "main", height=1000)

    walk.fill_start("fliser.csv", danish(), "Fjordfliser")
    third = walk.start()
    walk.until("Waiting for a person")
    page.goto(f"{third}/source")
    walk.picture("guessed", "#import-steps", ".jt-panel:has(#import-first)")
    page.fill("[name=encoding]", "mac-roman")
    page.get_by_role("button", name="Look how it reads").click()
    walk.picture("source", "#import-steps", ".jt-reading")

    walk.fill_start("tiles.csv", tiles(62, 190), brightwater, show=False)
    walk.start()
    page.locator("#import-question-title").wait_for()
    walk.picture("asks", "#import-steps", "#import-question")


@contextmanager
def installation() -> Iterator[tuple[str, str]]:
    """Run `manage.py up` on nothing; gives its address and the admin's password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "up"],
            env={**os.environ, "JOBTRACKER_DATA": folder, "PORT": str(port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            password = ""
            for line in process.stdout or ():
                password = password or next(iter(re.findall(r"password (\S+)", line)), "")
                if "is ready" in line:
                    break
            yield f"http://127.0.0.1:{port}", password
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with installation() as (address, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 2000}, color_scheme="light")
        walk = Walk(page, address)
        walk.log_in(password)
        story(walk)
        browser.close()


if __name__ == "__main__":
    main()
