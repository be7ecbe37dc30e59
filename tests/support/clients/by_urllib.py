"""`urllib` with `http.cookiejar`, as they come with Python."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import jar
from page import Page


class Client:
    def __init__(self, site, http):
        self.site = site
        # Unlike browsers, this jar has to be told that plain http to this machine is safe.
        policy = DefaultCookiePolicy(secure_protocols=("https", "http"))
        self.jar = CookieJar(policy)
        self.opener = build_opener(HTTPCookieProcessor(self.jar))

    def send(self, path, form=None, cookies=()):
        body = None if form is None else urlencode(form).encode()
        request = Request(self.site + path, body)
        if cookies:
            request.add_header("Cookie", "; ".join("=".join(cookie) for cookie in cookies))
        try:
            response = self.opener.open(request, timeout=10)
        except HTTPError as error:
            response = error
        with response:
            http = {11: "HTTP/1.1"}[response.version]
            return Page(http, response.status, response.read().decode())

    def cookies(self):
        return jar.cookies(self.jar)

    def close_browser(self):
        self.jar.clear_session_cookies()

    def close(self):
        self.opener.close()
