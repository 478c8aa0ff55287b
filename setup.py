"""Which folders make up the package; all else is in ``pyproject.toml``.

``templates/`` lies beside the package, where pyproject.toml can neither find it nor be told of it.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["console*"]), "console.templates"],
    package_dir={"console.templates": "templates"},
)
