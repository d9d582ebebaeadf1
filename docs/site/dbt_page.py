"""Corrects dbt's static page so that it makes no requests: `make docs`.

    python docs/site/dbt_page.py target/site-dbt/static_index.html target/site/dbt.html

dbt's page is one file, but its template requests two pictures before their names are filled in, and contains the loader of a
usage tracker. The tracker is off (`send_anonymous_usage_stats`); the loader is removed here.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Text of the page, its replacement, and how often it occurs.
CORRECTIONS = [
    # The browser requests the address before the template fills it in; AngularJS's own attribute waits.
    (
        """xlink:href="{{ getIcon(item.type, \\'on\\') }}\"""",
        """ng-attr-href="{{ getIcon(item.type, \\'on\\') }}\"""",
        2,
    ),
    (
        """xlink:href="{{ getIcon(item.type, \\'off\\') }}\"""",
        """ng-attr-href="{{ getIcon(item.type, \\'off\\') }}\"""",
        2,
    ),
    # An icon beside the page that dbt does not write.
    ("""href="${require('./assets/favicons/favicon.ico')}\"""", 'href="data:,"', 1),
    ("""i.src="//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js",a.parentNode.insertBefore(i,a)""", "0", 1),
    ("<title>dbt Docs</title>", "<title>harmrank: dbt docs</title>", 1),
]


def main() -> None:
    """Writes the corrected page."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(corrected(source.read_text(encoding="utf-8")), encoding="utf-8")


def corrected(page: str) -> str:
    """Returns the page with all corrections. Raises SystemExit if dbt has changed one of these places."""
    for old, new, times in CORRECTIONS:
        if page.count(old) != times:
            raise SystemExit(
                f"dbt's page has this {page.count(old)} times, not {times}: {old}\n"
                "Open it in a browser, check its requests, and change docs/site/dbt_page.py."
            )
        page = page.replace(old, new)
    return page


if __name__ == "__main__":
    main()
