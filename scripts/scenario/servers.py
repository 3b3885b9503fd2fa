# SPDX-License-Identifier: GPL-2.0
"""The machines outside the guest, as threads: all listen on the loopback, on ports of their own.

Through QEMU's user network the guest reaches them as 10.0.2.2.
"""
import http.server
import socketserver
import threading


class _Quiet(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def log_message(self, *_):
		pass

	def answer(self, status, body=b""):
		self.send_response(status)
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)


class _Server:
	def __init__(self, handler, threading_server=http.server.ThreadingHTTPServer):
		self.server = threading_server(("127.0.0.1", 0), handler)
		self.server.daemon_threads = True
		self.port = self.server.server_address[1]
		threading.Thread(target=self.server.serve_forever, daemon=True).start()

	def close(self):
		self.server.shutdown()
		self.server.server_close()


class WebServer(_Server):
	"""Offers files; what was asked for is in @requests, as (path, status)."""

	def __init__(self):
		self.files = {}
		self.requests = []
		outer = self

		class Handler(_Quiet):
			def do_GET(self):
				body = outer.files.get(self.path)
				status = 404 if body is None else 200
				outer.requests.append((self.path, status))
				self.answer(status, body or b"")

		super().__init__(Handler)


class UploadServer(_Server):
	"""Takes what is PUT; @uploads is a list of (path, bytes)."""

	def __init__(self):
		self.uploads = []
		outer = self

		class Handler(_Quiet):
			def do_PUT(self):
				length = int(self.headers.get("Content-Length", 0))
				outer.uploads.append((self.path, self.rfile.read(length)))
				self.answer(201)

		super().__init__(Handler)


class DropServer(_Server):
	"""Takes bytes until the other end has no more, and thanks; @received lists them."""

	def __init__(self):
		self.received = []
		outer = self

		class Handler(socketserver.BaseRequestHandler):
			def handle(self):
				self.request.settimeout(120)
				parts = []
				while True:
					part = self.request.recv(65536)
					if not part:
						break
					parts.append(part)
				outer.received.append(b"".join(parts))
				self.request.sendall(b"thanks\n")

		super().__init__(Handler, socketserver.ThreadingTCPServer)
