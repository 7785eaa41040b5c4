"""The page's own files, and the charts' library, which comes with a pip package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles

router = APIRouter()
PAGE = Path(__file__).parent / "page"
INDEX = "index.html"
_static = StaticFiles(directory=PAGE)


@router.get("/")
def page(request: Request) -> Response:
    """Answer with the page itself."""
    return _file(PAGE / INDEX, request)


@router.get("/assets/{path:path}")
def asset(path: str, request: Request) -> Response:
    """Answer with a script, style or icon."""
    if path not in _assets():
        raise HTTPException(404, f"The page has no file {path}.")
    return _file(_assets()[path], request)


def _file(path: Path, request: Request) -> Response:
    # Whoever has it asks each time whether it changed, and is answered 304 where it did not.
    response = _static.file_response(path, path.stat(), request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _assets() -> dict[str, Path]:
    plotly = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
    own = (path for path in PAGE.rglob("*") if path.is_file() and path.name != INDEX)
    return {plotly.name: plotly, **{path.relative_to(PAGE).as_posix(): path for path in own}}
