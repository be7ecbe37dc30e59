"""`aiohttp`: a client session with its cookie jar."""

import asyncio

import aiohttp

from page import Page


class Client:
    def __init__(self, site, http):
        self.runner = asyncio.Runner()
        self.session = self.runner.run(open_session(site))

    def send(self, path, form=None, cookies=()):
        return self.runner.run(self.send_now(path, form, cookies))

    async def send_now(self, path, form, cookies):
        method = "GET" if form is None else "POST"
        headers = {}
        if cookies:
            headers["Cookie"] = "; ".join("=".join(cookie) for cookie in cookies)
        async with self.session.request(method, path, data=form, headers=headers) as response:
            version = response.version
            http = f"HTTP/{version.major}.{version.minor}"
            return Page(http, response.status, await response.text())

    def cookies(self):
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}

    def close_browser(self):
        # It keeps all cookies as long as it runs; those that would not be kept longer are these.
        self.session.cookie_jar.clear(lambda it: not it["max-age"] and not it["expires"])

    def close(self):
        self.runner.run(self.session.close())
        self.runner.close()


async def open_session(site):
    # Unlike browsers, this jar has to be told that plain http to this machine is safe, and that a
    # site may have an address for a name.
    jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=site)
    timeout = aiohttp.ClientTimeout(total=10)
    return aiohttp.ClientSession(site, cookie_jar=jar, timeout=timeout)
