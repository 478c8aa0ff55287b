"""Which folders make up the package; all else is in ``pyproject.toml``.

``templates/`` is next to the package, where pyproject.toml cannot name it.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["console*"]), "console.templates"],
    package_dir={"console.templates": "templates"},
)
