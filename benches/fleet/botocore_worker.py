"""Some environments of the botocore fleet: clients that each read five parameters at a given
moment.

Prints for each read the seconds it took, or `-` for one that failed.
"""

import sys
import threading
import time

import botocore.config
import botocore.session

from fleet.subjects import NAMES


def main(port: str, clients: str, start: str) -> None:
    config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=5)
    session = botocore.session.Session()
    session.set_credentials("fleet", "fleet", "fleet")
    endpoint = {"region_name": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{port}", "config": config}
    ready = [session.create_client("ssm", **endpoint) for _ in range(int(clients))]
    times: list[str] = []

    def read(client, name: str) -> None:
        time.sleep(max(0.0, float(start) - time.time()))
        try:
            client.get_parameter(Name=name)
            times.append(f"{time.time() - float(start):.3f}")
        except botocore.exceptions.ClientError:
            times.append("-")

    readers = [threading.Thread(target=read, args=(client, name)) for client in ready for name in NAMES]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    print("\n".join(times))


main(*sys.argv[1:])
