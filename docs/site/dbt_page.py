"""Makes of dbt's static page one that asks for nothing: `make docs`.

    python docs/site/dbt_page.py target/site-dbt/static_index.html target/site/dbt.html

dbt's page is one file, but its template asks for two pictures under names that it has not filled in yet, and holds the loader
of a usage tracker. The tracker is off (`send_anonymous_usage_stats`); here the loader goes as well.
"""

from __future__ import annotations

import sys
from pathlib import Path

# What stands in the page, what it is to be, and how often it stands there.
MENDED = [
    # The browser asks for the address before the template fills it in, file by file: AngularJS's own form waits.
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
    # A picture beside the page that dbt does not put there.
    ("""href="${require('./assets/favicons/favicon.ico')}\"""", 'href="data:,"', 1),
    ("""i.src="//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js",a.parentNode.insertBefore(i,a)""", "0", 1),
    ("<title>dbt Docs</title>", "<title>harmrank: dbt docs</title>", 1),
]


def main() -> None:
    """Write the mended page."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(mended(source.read_text(encoding="utf-8")), encoding="utf-8")


def mended(page: str) -> str:
    """The page with all of this mended; SystemExit where dbt has changed it, so that it must be looked at again."""
    for old, new, times in MENDED:
        if page.count(old) != times:
            raise SystemExit(
                f"dbt's page holds this {page.count(old)} times and not {times}: {old}\n"
                "Open it in a browser, see what it asks for, and change docs/site/dbt_page.py."
            )
        page = page.replace(old, new)
    return page


if __name__ == "__main__":
    main()
