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


@router.get("/assets/{path:path}")
def asset(path: str) -> FileResponse:
    """Answer with a script, style or icon."""
    if path not in _assets():
        raise HTTPException(404, f"The page has no file {path}.")
    return FileResponse(_assets()[path], headers=REVALIDATED)


@cache
def _assets() -> dict[str, Path]:
    plotly = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
    own = (path for path in PAGE.rglob("*") if path.is_file())
    return {plotly.name: plotly, **{path.relative_to(PAGE).as_posix(): path for path in own}}
