"""Links inside the course that lead nowhere; used for the lessons' prose and for the pages beside them."""

import re


def anchors(page):
    """What a link can point to inside a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(text, path):
    """The links of the Markdown `text`, which stands in the file `path`, whose file or heading does not exist."""
    found = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if link.startswith("http"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            found.append(link)
    return found
