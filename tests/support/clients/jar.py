"""The cookie jar of the standard library, which `urllib` and `httpx` have in common."""


def cookies(jar):
    jar.clear_expired_cookies()
    return {cookie.name: cookie.value for cookie in jar}
