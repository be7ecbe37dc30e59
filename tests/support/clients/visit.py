"""A visitor of the examples, by a client that others wrote and the cookie jar that it has.

Takes the name of the client, the version of HTTP, the name of the cookie, and the server's address.
Ends with an error as soon as something is not as a visitor expects it.

A module `by_NAME` has a `Client` for the site: `send` a request and return the `Page` that it leads
to, `cookies` in the jar as they are now, `close_browser`, and `close` when all is done.
"""

import importlib
import sys
import time
from contextlib import ExitStack, closing
from unittest import mock

client, http, name, address = sys.argv[1:]
Client = importlib.import_module(f"by_{client}").Client


class Visitor:
    def __init__(self):
        self.client = clients.enter_context(closing(Client(f"http://{address}", http)))

    def get(self, path, cookies=()):
        """Looks at a page; `cookies` are sent by hand, as somebody does who found them."""
        return self.checked(self.client.send(path, cookies=cookies))

    def post(self, path, **form):
        """Sends a form, and follows to where it leads."""
        return self.checked(self.client.send(path, form=form))

    def token(self):
        """The value of our cookie, `None` if there is no cookie in the jar."""
        cookies = self.client.cookies()
        assert list(cookies) in ([], [name]), f"our cookie, or none: {list(cookies)}"
        return cookies.get(name)

    def checked(self, page):
        assert page.http == http, page
        return page


def assert_signed_in(visitor):
    page = visitor.get("/whoami")
    assert (page.status, page.text) == (200, "ann"), page


def assert_anonymous(visitor):
    page = visitor.get("/whoami")
    assert page.status == 401, page


def assert_replay(token, status):
    """Somebody who has a copy of the token, and other cookies of the site around it."""
    stranger = Visitor()
    cookies = [("theme", "dark"), (name, token), ("language", "en")]
    page = stranger.get("/whoami", cookies=cookies)
    assert page.status == status, page
    assert stranger.token() is None, "a replay is not worth another token"


def sign_in(visitor, **form):
    page = visitor.post("/login", user="ann", **form)
    assert page.status == 200 and "Hello, ann" in page.text, page
    assert visitor.token(), "the cookie was on the redirection"


def sign_out(visitor):
    page = visitor.post("/logout")
    assert page.status == 200 and "Hello, visitor" in page.text, page
    assert visitor.token() is None, "signing out takes the cookie out of the jar"


def in_days(days):
    """The clock of the jar, some days from now."""
    return mock.patch("time.time", return_value=time.time() + days * 86_400)


def looks_around(visitor):
    for path in ("/", "/whoami", "/nowhere"):
        visitor.get(path)
        assert visitor.token() is None, "looking sets no cookie"


def is_counted(visitor, counts):
    tokens = set()
    for count in counts:
        page = visitor.get("/visits")
        assert (page.status, page.text) == (200, str(count)), page
        tokens.add(visitor.token())
    assert len(tokens) == 1 and None not in tokens, "one token for all visits"


def signs_in_and_out(visitor):
    before = visitor.token()
    sign_in(visitor)
    after = visitor.token()
    assert after != before, "signing in changes the token"
    assert_signed_in(visitor)
    assert_replay(before, 401)
    is_counted(visitor, [4])

    assert_replay(after, 200)
    sign_out(visitor)
    assert_anonymous(visitor)
    assert_replay(after, 401)
    # The jar takes a new cookie where it was told to remove one.
    is_counted(visitor, [1, 2])


def is_forgotten_when_the_browser_closes(visitor):
    sign_in(visitor, remember="on")
    # The last sign-in decides.
    sign_in(visitor)
    visitor.client.close_browser()
    assert visitor.token() is None, "the cookie ends with the browser"
    assert_anonymous(visitor)


def is_remembered_for_sixty_days(visitor):
    sign_in(visitor, remember="on")
    visitor.client.close_browser()
    assert_signed_in(visitor)
    with in_days(59.9):
        assert visitor.token(), "the cookie outlives the browser"
    with in_days(60.1):
        assert visitor.token() is None, "and not the session"


with ExitStack() as clients:
    visitor = Visitor()
    looks_around(visitor)
    is_counted(visitor, [1, 2, 3])
    signs_in_and_out(visitor)
    is_forgotten_when_the_browser_closes(Visitor())
    is_remembered_for_sixty_days(Visitor())
print("all as expected")
