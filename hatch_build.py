"""Build hook: puts the browser files into the wheel, made by npm from the lock file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebHook(BuildHookInterface[Any]):
    """Builds `governance/web_dist` when it is not there; a source archive carries it already built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before the wheel is written; an editable install leaves the files as they are."""
        del build_data
        root = Path(self.root, "governance")
        if version == "editable" or (root / "web_dist" / "api-docs" / "swagger-ui-bundle.js").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is needed once (node 20 or newer): it brings the API documentation viewer")
        # No package's own scripts are run: one of them would report the installation to its maker.
        subprocess.run([npm, "ci", "--ignore-scripts"], cwd=root / "web", check=True)
        subprocess.run([npm, "run", "build"], cwd=root / "web", check=True)
