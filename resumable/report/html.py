"""HTML that cannot be written unescaped: text is always text, and only what was made here is markup."""

import html
from dataclasses import dataclass

from resumable.text import safe

TEXT_MOST = 2_000
"""Characters of one text; an error may quote whatever a server sent."""


@dataclass(frozen=True)
class Html:
    """Markup that is safe to be put into a page as it is."""

    markup: str


Child = Html | str | None


def text(content: str) -> Html:
    """Turn any text into markup that shows it, with what a browser would obey or reorder shown as escapes."""
    shown = content if len(content) <= TEXT_MOST else f"{content[:TEXT_MOST]}..."
    return Html(html.escape(safe(shown), quote=True))


def tag(name: str, /, *children: Child, **attributes: str | None) -> Html:
    """Return an element; texts in it, and its attributes' values, are escaped. `class_` stands for class."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value).markup}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{named}>{joined(*children).markup}</{name}>")


def void(name: str, /, **attributes: str) -> Html:
    """Return an element that has no end, such as meta."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value).markup}"' for key, value in attributes.items())
    return Html(f"<{name}{named}>")


def joined(*children: Child) -> Html:
    """Put markup and texts one after another."""
    return Html("".join(_markup(child) for child in children if child is not None))


def _markup(child: Html | str) -> str:
    return child.markup if isinstance(child, Html) else text(child).markup
