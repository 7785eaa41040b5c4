"""The page's own files, and the charts' library, which comes with a pip package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

router = APIRouter()
PAGE = Path(__file__).parent / "page"
# Asked again each time whether it changed, which costs a 304.
REVALIDATED = {"Cache-Control": "no-cache"}


@router.get("/")
def page() -> FileResponse:
    """Answer with the page itself."""
    return FileResponse(PAGE / "index.html", headers=REVALIDATED)


@router.get("/assets/{name}")
def asset(name: str) -> FileResponse:
    """Answer with a script, style or icon."""
    if name not in _assets():
        raise HTTPException(404, f"The page has no file {name}.")
    return FileResponse(_assets()[name], headers=REVALIDATED)


@cache
def _assets() -> dict[str, Path]:
    plotly = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
    return {path.name: path for path in [*PAGE.iterdir(), plotly]}
