"""A DNS server of a few names on this machine, and a resolver that asks it."""

import socketserver
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

Zone = Mapping[str, Mapping[str, list[str]]]
"""Name → type → answers. `{}` is a name without records, `{"SERVFAIL": []}` and `{"SILENT": []}` what they say."""


@dataclass
class Server:
    """The running server: whom to ask, and what it was asked."""

    resolver: dns.resolver.Resolver
    asked: Counter[str] = field(default_factory=Counter)


@contextmanager
def dns_server(zone: Zone) -> Generator[Server]:
    """Answer questions about a zone, NXDOMAIN for what isn't in it."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.timeout, resolver.lifetime = 0.2, 0.4
    running = Server(resolver)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            reply = _reply(dns.message.from_wire(data), zone, running.asked)
            if reply is not None:
                socket.sendto(reply.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def _reply(query: dns.message.Message, zone: Zone, asked: Counter[str]) -> dns.message.Message | None:
    question = query.question[0]
    name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
    asked[f"{name} {kind}"] += 1
    records = zone.get(name.lower())
    if records is not None and "SILENT" in records:
        return None
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    if records is None or "SERVFAIL" in records:
        reply.set_rcode(dns.rcode.NXDOMAIN if records is None else dns.rcode.SERVFAIL)
    elif kind in records:
        reply.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records[kind]))
    return reply
