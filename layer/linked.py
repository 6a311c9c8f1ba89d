"""What is linked into the program: asked of cargo, for one target."""

import json
import subprocess
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


@dataclass
class Linked:
    """Packages by their id, as `cargo metadata` has them, and which of them each one needs."""

    packages: dict[str, Any]
    needs: dict[str, set[str]]
    root: str


def linked(triple: str) -> Linked:
    """Packages of tests, build scripts and macros are left out, and so are other systems'."""
    metadata = cargo_metadata(triple)
    packages = {package["id"]: package for package in metadata["packages"]}
    built = packages_of_the_tree(triple)
    left_out = {
        name
        for name, package in packages.items()
        if is_macro(package) or (package["name"], package["version"]) not in built
    }
    return Linked(packages, reached(metadata["resolve"], left_out), metadata["resolve"]["root"])


def cargo_metadata(triple: str) -> Any:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", triple]
    return json.loads(subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout)


def packages_of_the_tree(triple: str) -> set[tuple[str, str]]:
    """By name and version. The metadata also has packages that only an optional feature would bring
    in."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--target", triple, "--prefix", "none", "--format", "{p}"]
    tree = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {(name, version.removeprefix("v")) for name, version, *_ in map(str.split, tree.splitlines())}


def is_macro(package: Any) -> bool:
    """Macros run inside the compiler."""
    return any("proc-macro" in target["kind"] for target in package["targets"])


def reached(resolve: Any, left_out: set[str]) -> dict[str, set[str]]:
    """Every package that the program reaches over normal dependencies, and what it reaches next."""
    needs = {
        node["id"]: {
            dependency["pkg"]
            for dependency in node["deps"]
            if dependency["pkg"] not in left_out and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        }
        for node in resolve["nodes"]
    }
    found: dict[str, set[str]] = {}
    waiting = deque([resolve["root"]])
    while waiting:
        package = waiting.popleft()
        if package not in found:
            found[package] = needs[package]
            waiting.extend(needs[package])
    return found
