"""What a client was answered in the end."""

from typing import NamedTuple


class Page(NamedTuple):
    http: str
    status: int
    text: str
