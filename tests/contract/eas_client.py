"""What a user of the hosted service runs, with another endpoint: prints the answer to one picture.

python eas_client.py <endpoint> <service> <picture> [<token>]
"""

import base64
import json
import sys

from eas_prediction import PredictClient, StringRequest  # type: ignore[import-not-found]  # in its own environment

endpoint, service, picture, *token = sys.argv[1:]
client = PredictClient(endpoint, service)
client.set_timeout(60_000)
client.set_token("".join(token))
client.init()
with open(picture, "rb") as file:
    request = StringRequest(json.dumps({"image": base64.b64encode(file.read()).decode()}))
sys.stdout.buffer.write(client.predict(request).response_data)
