"""A visitor that speaks gRPC by grpcio, and keeps its cookie by hand.

Takes the server's address and the folder of the .proto file. Ends with an error as soon as
something is not as a visitor expects it.
"""

import sys

import grpc

address, protos = sys.argv[1:]
sys.path.insert(0, protos)
messages, services = grpc.protos_and_services("visitors.proto")
Empty = messages.google_dot_protobuf_dot_empty__pb2.Empty


class Visitor:
    def __init__(self, cookie=None):
        self.server = services.VisitorsStub(grpc.insecure_channel(address))
        self.cookie = cookie

    def call(self, method, message=Empty()):
        """Calls a method; returns the answer, and the `set-cookie` beside it."""
        metadata = [("cookie", self.cookie)] if self.cookie else []
        answer, call = getattr(self.server, method).with_call(message, metadata=metadata, timeout=10)
        lines = [value for key, value in call.initial_metadata() if key == "set-cookie"]
        assert len(lines) <= 1, "one set-cookie at most"
        for line in lines:
            is_removal = "; Max-Age=0" in line
            self.cookie = None if is_removal else line.split(";")[0]
        return answer, (lines or [None])[0]

    def assert_anonymous(self):
        try:
            self.call("WhoAmI")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
            metadata = (*error.initial_metadata(), *error.trailing_metadata())
            assert "set-cookie" not in dict(metadata), "looking sets no cookie"
        else:
            raise AssertionError("somebody is signed in")


visitor = Visitor()
visitor.assert_anonymous()
for count in (1, 2, 3):
    visits, cookie = visitor.call("Visit")
    assert visits.count == count, visits
    assert (cookie is not None) == (count == 1), "a token is on one response only"
assert visitor.cookie.startswith("__Host-id="), "the cookie has the strict name"

before = Visitor(visitor.cookie)
_, cookie = visitor.call("SignIn", messages.SignInRequest(user="ann", remember=True))
assert "; Max-Age=" in cookie, "a remembered cookie outlives the browser"
assert visitor.cookie != before.cookie, "signing in changes the token"
assert visitor.call("WhoAmI")[0].name == "ann"
assert visitor.call("Visit")[0].count == 4, "the session goes on"
before.assert_anonymous()

thief = Visitor(visitor.cookie)
assert thief.call("WhoAmI")[0].name == "ann"
visitor.call("SignOut")
assert visitor.cookie is None, "signing out takes the cookie away"
visitor.assert_anonymous()
thief.assert_anonymous()
print("all as expected")
