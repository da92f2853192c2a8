"""PostgreSQL's protocol by hand: what a revision can say to a server without any driver."""

import os
import socket
import struct
import urllib.parse


def message(tag, body=b""):
    return tag + struct.pack("!I", len(body) + 4) + body


def parse(name, sql):
    return message(b"P", name.encode() + b"\0" + sql.encode() + b"\0" + struct.pack("!H", 0))


def bind(portal, name):
    return message(b"B", portal.encode() + b"\0" + name.encode() + b"\0" + struct.pack("!HHH", 0, 0, 0))


def execute(portal=""):
    return message(b"E", portal.encode() + b"\0" + struct.pack("!I", 0))


def query(sql):
    return message(b"Q", sql.encode() + b"\0")


SYNC = message(b"S")


class Wire:
    def __init__(self):
        url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
        more = dict(urllib.parse.parse_qsl(url.query))
        if "host" in more:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(more["host"] + "/.s.PGSQL." + more["port"])
        else:
            self.socket = socket.create_connection((url.hostname, url.port))
        said = f"user\0{url.username}\0database\0{url.path[1:]}\0\0".encode()
        self.socket.sendall(struct.pack("!II", len(said) + 8, 196608) + said)
        tag, body = self.frame()
        if tag == b"R" and body == struct.pack("!I", 3):
            self.socket.sendall(message(b"p", url.password.encode() + b"\0"))
        self.rest()

    def exactly(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise SystemExit("it hung up")
            got += more
        return got

    def frame(self):
        head = self.exactly(5)
        return head[:1], self.exactly(struct.unpack("!I", head[1:])[0] - 4)

    def rest(self):
        while self.frame()[0] != b"Z":
            pass

    def say(self, *messages):
        self.socket.sendall(b"".join(messages))
        self.rest()
