# SPDX-License-Identifier: MPL-2.0
"""Photographs and recordings that the training scripts share: where they are, and which are kept for measuring.

Nothing is downloaded. Pictures come inside Python packages (`requirements.txt`) and, like all recordings, inside
Debian packages, which may be installed or only unpacked (`dpkg -x`) below a folder that `--root` names:

    lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds plasma-workspace-wallpapers
    asterisk-core-sounds-{en,es,fr,it,ru}-g722 asterisk-moh-opsound-g722 fillets-ng-data-cs fillets-ng-data-nl
    alsa-utils openttd-opensfx espeak-ng singularity-music asc-music planetblupi-music-ogg hyperrogue-music

What is missing is told and left out.
"""

import importlib.util
from pathlib import Path

from PIL import Image

# Photographs only: no drawings, test patterns or microscopy. A photograph stands in exactly one of the two lists.
TRAINING_PHOTOS = {
    "skimage": ["data/" + name for name in (
        "brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "moon.png",
        "motorcycle_left.png", "retina.jpg", "rocket.jpg")],
    "sklearn": ["datasets/images/china.jpg", "datasets/images/flower.jpg"],
    "plenoptic": ["data/macaca_nigra_self-portrait.jpg"],
    "imgaug": ["quokka.jpg"],
    "matplotlib": ["mpl-data/sample_data/grace_hopper.jpg"],
    "usr/share/backgrounds": [
        "Dragonfly_by_Bolly.jpg", "Fossa_by_Jasper_Roks.jpg", "Infinite-Sea_by_Aury88.jpg", "Picture_0B_by_freespace.jpg",
        "Painting-Colors_by__herobrine7gamer.jpg", "aitzgorri_by_Aitzol_Berasategi.jpg",
        "analogpattern_by_Peter_Nerlich.jpg", "free_by_Peter_Nerlich.jpg", "friends_by_Aitzol_Berasategi.jpg",
        "life_by_Aitzol_Berasategi.jpg", "seeding_by_Clements_Engelhardt.jpg", "sunset_by_Aitzol_Berasategi.jpg",
        "umang_by_Abhishek_Mudgal.jpg", *("mate/nature/" + name for name in (
            "Aqua.jpg", "Blinds.jpg", "Dune.jpg", "FreshFlower.jpg", "GreenMeadow.jpg", "LadyBird.jpg", "RainDrops.jpg",
            "TwoWings.jpg", "Wood.jpg"))],
    "usr/share/wallpapers": [name + "/contents/images/2560x1600.jpg" for name in (
        "Autumn", "BytheWater", "ColdRipple", "DarkestHour", "FallenLeaf", "OneStandsOut")],
}
HELD_OUT_PHOTOS = {
    "skimage": ["data/astronaut.png", "data/chelsea.png", "data/coffee.png"],
    "usr/share/backgrounds": [
        "Bridge_by_Sander_Klootwijk.jpg", "Kleiber_by_Lukas_Baubkus.jpg", "Picture_1A_by_freespace.jpg",
        "Wine_by_Jakkub_Mede.jpg", "greentock_by_Peter_Nerlich.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "mate/nature/Garden.jpg", "mate/nature/Storm.jpg", "mate/nature/YellowFlower.jpg"],
    "usr/share/wallpapers": ["EveningGlow/contents/images/2560x1600.jpg", "Path/contents/images/2560x1600.jpg"],
}


def photos(catalogue, root, longest=1280):
    """RGB photographs whose packages are there, none longer than `longest` pixels. Packages are located, not imported."""
    for place, names in catalogue.items():
        if place.startswith("usr/"):
            folder = Path(root) / place
        else:
            spec = importlib.util.find_spec(place)
            folder = Path(spec.origin).parent if spec else Path(place)
        for name in names:
            if not (folder / name).is_file():
                print(f"{folder / name} is missing: going on without it")
                continue
            photo = Image.open(folder / name).convert("RGB")
            photo.thumbnail((longest, longest), Image.LANCZOS)
            yield photo
