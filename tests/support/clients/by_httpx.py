"""`httpx`, with HTTP/2 by `h2`."""

import httpx

import jar
from page import Page


class Client:
    def __init__(self, site, http):
        # Without HTTP/1 it speaks HTTP/2 from the first byte.
        self.client = httpx.Client(
            base_url=site,
            http1=http == "HTTP/1.1",
            http2=http == "HTTP/2",
            follow_redirects=True,
            timeout=10,
        )

    def send(self, path, form=None, cookies=()):
        method = "GET" if form is None else "POST"
        # Lines of their own in HTTP/1, and in HTTP/2 crumbs.
        lines = [("cookie", "=".join(cookie)) for cookie in cookies]
        response = self.client.request(method, path, data=form, headers=lines)
        return Page(response.http_version, response.status_code, response.text)

    def cookies(self):
        return jar.cookies(self.client.cookies.jar)

    def close_browser(self):
        self.client.cookies.jar.clear_session_cookies()

    def close(self):
        self.client.close()
