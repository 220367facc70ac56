"""tenprint galleries"""

from tenprint.client import console, render


def galleries(
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 10.0,
    as_json: console.Json = False,
) -> None:
    """List the galleries of a server. Fails where nobody serves, so it is a health check too."""
    with console.reported(as_json=as_json), console.connect(address, ca, cert, key, timeout) as client:
        found = client.galleries()
    console.print_json(found) if as_json else console.out.print(render.galleries(found))
