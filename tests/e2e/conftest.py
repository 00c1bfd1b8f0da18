"""Fixtures: one CA and certificate a test file; a server a test."""
import pytest

import harness


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Paths of a CA, and of a certificate by it with its key."""
    folder = tmp_path_factory.mktemp("certificates")
    ca = harness.make_ca(folder, "ca")
    return (ca,) + harness.make_certificate(folder, "server", ca, [harness.HOST, "localhost"])


@pytest.fixture
def make_server(tmp_path, certificates):
    """A function that starts a server: stopped at the end of the test, where it must still be well."""
    servers = []

    def make(**options):
        folder = tmp_path / ("server%d" % len(servers))
        folder.mkdir()
        servers.append(harness.Server(folder, certificates, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.__exit__()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, certificates):
    """One server for all tests of a file that leave it as it was."""
    with harness.Server(tmp_path_factory.mktemp("server"), certificates) as server:
        yield server
