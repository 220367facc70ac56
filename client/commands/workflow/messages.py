"""tenprint workflow messages: receive, list, redeliver"""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect, print_message
from tenprint.client.console import EXIT_CODES
from tenprint.client.workflow import WorkflowClient
from tenprint.v1 import messages_pb2

messages = typer.Typer(no_args_is_help=True, help="What the workflow sends an agency: answers, notices, corrections.")


@messages.command(epilog=EXIT_CODES)
def receive(
    ori: console.Ori,
    count: Annotated[int | None, typer.Option(min=1, help="end after so many; unset: go on until interrupted")] = None,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
) -> None:
    """Print messages as they come, one JSON document a line, and acknowledge each once it is printed."""
    with console.reported(as_json=False), connect(address, ca, timeout) as client:
        stream = client.stream(client.messages.Receive, messages_pb2.ReceiveRequest(ori=ori))
        with closing(stream):
            for item in islice(stream, count):
                print_message(item.message)
                taken = messages_pb2.AcknowledgeRequest(ori=ori, message_ids=[item.message.message_id])
                client.call(client.messages.Acknowledge, taken)


@messages.command("list", epilog=EXIT_CODES)
def listing(
    ori: console.Ori,
    dead: Annotated[bool, typer.Option("--dead", help="only those that were given up")] = False,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """List an agency's messages and how far each got, oldest first."""
    states = [messages_pb2.MESSAGE_STATE_DEAD] if dead else []
    table = Table("message", "what", "way", "state", "attempts", "problem")
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        for item in _deliveries(client, messages_pb2.ListMessagesRequest(ori=ori, states=states, page_size=1000)):
            if as_json:
                print_message(item)
                continue
            table.add_row(
                item.message.message_id,
                item.message.WhichOneof("content") or "held back",
                messages_pb2.Channel.Name(item.channel).removeprefix("CHANNEL_").lower(),
                messages_pb2.MessageState.Name(item.state).removeprefix("MESSAGE_STATE_").lower(),
                str(item.attempts),
                item.problem,
            )
    if not as_json:
        console.out.print(table)


@messages.command(epilog=EXIT_CODES)
def redeliver(
    ori: console.Ori,
    message_ids: Annotated[list[str] | None, typer.Argument(help="which; none: all that were given up")] = None,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Send messages once more, under their first ids."""
    request = messages_pb2.RedeliverRequest(ori=ori, message_ids=message_ids or [], all_dead=not message_ids)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.messages.Redeliver, request)
    print_message(response) if as_json else console.out.print(f"{len(response.message_ids)} will be sent again")


def _deliveries(client: WorkflowClient, request: messages_pb2.ListMessagesRequest) -> Iterator[messages_pb2.Delivery]:
    """Every page's."""
    while True:
        page = client.call(client.messages.ListMessages, request)
        yield from page.deliveries
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
