"""`make sbom` lists the packages that the wheel is installed with."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.environment import proxies
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


def test_the_list_contains_the_locked_packages() -> None:
    environment = {**os.environ, **proxies}
    subprocess.run(["make", "sbom"], cwd=ROOT, env=environment, check=True, capture_output=True)
    listed = json.loads((ROOT / "dist" / "agora-bandwidth.cdx.json").read_text("utf-8"))

    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    expected = {
        (canonicalize_name(pin.name), next(iter(pin.specifier)).version)
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }
    assert {(canonicalize_name(part["name"]), part["version"]) for part in listed["components"]} == expected
    assert listed["metadata"]["component"]["name"] == "agora-bandwidth"
