"""nginx and Apache in front of a deployment, as their recipes set them up, unprivileged and on ports of their own."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.certificates import Certificate, make_certificate
from tests.deploy.recipes import adapted, recipe
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: The name in the recipes.
HOST = "chat.example.org"


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip at home where a program is not installed; CI must have it."""
    missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason="no %s on the PATH (apt-get install %s)" % (program, package))


needs_nginx = needs("nginx", "nginx-light")
needs_apache = needs("apache2", "apache2")


class Front:
    """A proxy with TLS on `port` and plain HTTP on `plain_port`, before interface servers on these ports."""

    def __init__(self, folder: Path, servers: Sequence[int]):
        self.folder = folder
        self.folder.mkdir()
        self.certificate: Certificate = make_certificate(folder)
        # Where certbot writes, for all to read: not in a test's folder, into which the users of the proxies can't look.
        self.webroot = tempfile.TemporaryDirectory(prefix="parley-www-")
        Path(self.webroot.name).chmod(0o755)
        self.port, self.plain_port = free_port(), free_port()
        # One interface server stands for both.
        self.servers = [servers[0], servers[-1]]
        self.process = subprocess.Popen(self.command(), stdout=self.open_log(), stderr=subprocess.STDOUT)
        wait_until(self.listens, "the proxy listens")

    def command(self) -> list[str]:
        """Write the configuration; returns what to start with it."""
        raise NotImplementedError

    def open_log(self) -> int:
        return os.open(self.folder / "start.log", os.O_WRONLY | os.O_CREAT)

    def listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "start.log").read_text()
        try:
            self.request("HEAD", "/metrics")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10 * FACTOR)
        self.webroot.cleanup()

    def trust(self) -> ssl.SSLContext:
        return self.certificate.trust()

    def trust_for_threads(self) -> ssl.SSLContext:
        """
        For a client that reads in one thread and writes in another, as `websockets.sync` does. With TLS 1.3 the server
        has something to say just when the client begins to speak, and Python before 3.13 does not keep the two threads
        apart: what was written is lost.
        """
        context = self.trust()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """One request by TLS: its status, headers and body."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20 * FACTOR, context=self.trust())
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Bytes as they are by TLS; what comes back until the end."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20 * FACTOR) as plain,
            self.trust().wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(request)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass  # It hangs up on what it did not read.
            return answer

    def logs(self) -> str:
        """What is in its access and error logs."""
        return "".join(path.read_text() for path in self.folder.glob("parley*.log"))


class Nginx(Front):
    """nginx with deploy/nginx/parley.conf."""

    def command(self) -> list[str]:
        changes = {
            "127.0.0.1:8001": "127.0.0.1:%d" % self.servers[0],
            "127.0.0.1:8002": "127.0.0.1:%d" % self.servers[1],
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "listen 80;": "listen 127.0.0.1:%d;" % self.plain_port,
            "listen 443 ssl http2;": "listen 127.0.0.1:%d ssl http2;" % self.port,
            "/etc/letsencrypt/live/%s" % HOST: str(self.folder),
            "/var/log/nginx": str(self.folder),
            "/var/cache/parley": str(self.folder / "cache"),
            "/var/www/html": self.webroot.name,
        }
        (self.folder / "parley.conf").write_text(self.adapted(changes))
        temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join("%s_temp_path %s/%s;\n" % (kind, self.folder, kind) for kind in temporary)
        # Debian's nginx.conf, as far as it matters here.
        (self.folder / "nginx.conf").write_text(
            "%sdaemon off;\nworker_processes 2;\npid %s/pid;\nerror_log stderr;\n"
            "events { worker_connections 4000; }\nhttp { include /etc/nginx/mime.types;\n"
            "%saccess_log off;\ngzip on;\ninclude %s/parley.conf; }\n"
            % ("user root;\n" if os.geteuid() == 0 else "", self.folder, paths, self.folder)
        )
        return ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def adapted(self, changes: dict[str, str]) -> str:
        return adapted("nginx/parley.conf", changes)


class NginxWithPrefix(Nginx):
    """nginx with Parley below /talk, by the command in deploy/README.md."""

    def adapted(self, changes: dict[str, str]) -> str:
        script = re.search(r"sed -Ei '(/ssl_certificate .*?)'", recipe("README.md").read_text())
        assert script, "deploy/README.md says how"
        text = super().adapted(changes)
        return subprocess.run(["sed", "-E", script[1]], input=text, capture_output=True, text=True, check=True).stdout


class Apache(Front):
    """Apache with deploy/apache/parley.conf."""

    MODULES = (
        "mpm_event authz_core headers rewrite ssl socache_shmcb reqtimeout env mime proxy proxy_http proxy_balancer"
    )
    MODULES += " lbmethod_byrequests lbmethod_bybusyness slotmem_shm"

    def command(self) -> list[str]:
        changes = {
            "127.0.0.1:8001": "127.0.0.1:%d" % self.servers[0],
            "127.0.0.1:8002": "127.0.0.1:%d" % self.servers[1],
            "*:80>": "127.0.0.1:%d>" % self.plain_port,
            "*:443>": "127.0.0.1:%d>" % self.port,
            "/etc/letsencrypt/live/%s" % HOST: str(self.folder),
            "/var/log/apache2": str(self.folder),
            "/var/www/html": self.webroot.name,
        }
        (self.folder / "parley.conf").write_text(adapted("apache/parley.conf", changes))
        modules = "".join(
            "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (name, name) for name in self.MODULES.split()
        )
        # Debian's apache2.conf, as far as it matters here.
        lines = ["ServerRoot {0}", "DefaultRuntimeDir {0}", "PidFile {0}/pid", "Mutex file:{0}", "ErrorLog /dev/stderr"]
        lines += ["User nobody", "Group nogroup", "ServerName localhost", "TypesConfig /etc/mime.types"]
        lines += ["MaxRequestWorkers 150", "<Directory />", "Require all denied", "</Directory>"]
        lines += ["<Directory %s>" % self.webroot.name, "Require all granted", "</Directory>"]
        lines += ["Listen 127.0.0.1:%d" % port for port in (self.port, self.plain_port)]
        lines += ["Include {0}/parley.conf", ""]
        (self.folder / "apache.conf").write_text(modules + "\n".join(lines).format(self.folder))
        return ["apache2", "-f", str(self.folder / "apache.conf"), "-D", "FOREGROUND"]
