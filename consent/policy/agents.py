"""Whether a User-Agent is a robot's that says so, for counts of people. Nobody is refused for it."""

from __future__ import annotations

import threading
from functools import lru_cache

from crawlerdetect import CrawlerDetect

_lock = threading.Lock()


@lru_cache(maxsize=1)
def _detector() -> CrawlerDetect:
    return CrawlerDetect()


@lru_cache(maxsize=4096)
def is_robot(agent: str) -> bool:
    """Tell whether ``agent`` names a crawler, a scanner, a preview or a program; an empty one does, too."""
    with _lock:  # the detector keeps its last match on itself
        return not agent.strip() or bool(_detector().isCrawler(agent[:500]))
