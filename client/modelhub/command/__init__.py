"""The command `modelhub`: pictures asked about from a shell, and the system itself from its checkout.

Exit status: 0; 1 where something of what was asked failed; 2 for wrong words; 3 where nothing answers at the
address; 130 after Ctrl-C.
"""

import typer

from modelhub.command.checkout import doctor, down, export, up
from modelhub.command.predict import predict
from modelhub.command.record import record
from modelhub.command.replay import replay
from modelhub.command.services import services

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for _command in (predict, services, replay, record, up, down, export, doctor):
    app.command()(_command)


def main() -> None:
    """Run the command that the words of the command line name."""
    app()
