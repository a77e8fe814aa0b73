"""Everything that can be asked of a coordinator, once for both clients.

1. A method says which call with which request, and what of the answer is the result; how to call and to wait is the
   client's (client.py blocks, aio.py awaits). So with AsyncClient every result is awaited, every iterator is async.
2. A service of the contract, a file; asking.py is what they lean on.
"""

from coordinator.surface.admin import Admin
from coordinator.surface.artifacts import Artifacts
from coordinator.surface.cluster import Cluster
from coordinator.surface.jobs import Jobs
from coordinator.surface.logs import Logs
from coordinator.surface.metrics import Metrics
from coordinator.surface.predictions import Predictions


class Surface(Jobs, Metrics, Logs, Artifacts, Predictions, Cluster, Admin):
    """Talks to one coordinator. `address`: HOST:PORT, default $BPTRAIN_COORDINATOR or 127.0.0.1:7421; token and
    certificates then come from the environment, or all from an Endpoint (coordinator/endpoint.py).

    `patience_s`: how long streams try to reconnect before they raise Unavailable.
    """
