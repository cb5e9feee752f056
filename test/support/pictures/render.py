"""Draws the pictures of this folder: python render.py, with Pillow 13, numpy, and the DejaVu and Liberation fonts.

They look like cut-outs of photographs: tilted, out of focus, lit from one side, with sensor noise. The
committed files are what the tests read; other versions of Pillow or the fonts draw other pixels.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = Path("/usr/share/fonts/truetype")
WIDTH, HEIGHT = 200, 64
# Drawn larger and then shrunk, so that tilted strokes have smooth edges.
SCALE = 3

# word, font, size, ink, paper, tilt in degrees, blur radius in pixels, standard deviation of the noise
PICTURES = [
    ("TRITON", "dejavu/DejaVuSans-Bold.ttf", 40, (30, 40, 60), (240, 236, 226), 0, 0.4, 4),
    ("LATENCY", "liberation/LiberationSans-Bold.ttf", 38, (250, 250, 245), (40, 70, 110), 1.5, 0.7, 6),
    ("BASELINE", "dejavu/DejaVuSerif-Bold.ttf", 31, (90, 20, 20), (215, 220, 210), -1.5, 0.6, 7),
    ("Budget 150", "liberation/LiberationSerif-Bold.ttf", 38, (20, 20, 20), (200, 190, 160), 1, 0.8, 8),
    ("throughput", "dejavu/DejaVuSans.ttf", 33, (230, 200, 80), (45, 40, 50), 2, 0.5, 8),
]


def draw(word, font, size, ink, paper, tilt, blur, noise, random):
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), paper)
    center = (WIDTH * SCALE / 2, HEIGHT * SCALE / 2)
    face = ImageFont.truetype(str(FONTS / font), size * SCALE)
    ImageDraw.Draw(image).text(center, word, font=face, fill=ink, anchor="mm")
    image = image.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=paper)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=float)
    light = np.linspace(1.0, 0.85, WIDTH)[None, :, None]
    pixels = pixels * light + random.normal(0, noise, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


if __name__ == "__main__":
    random = np.random.default_rng(7)
    for word, *how in PICTURES:
        name = word.lower().replace(" ", "-")
        draw(word, *how, random).save(Path(__file__).parent / f"{name}.png", optimize=True)
