"""`threadline doctor`: what is installed, where the store is, whether it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from threadline.cli.checks import find_out
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.paint import tone_sign
from threadline.render.cells import padded, wrapped
from threadline.render.printable import one_line

if TYPE_CHECKING:
    from threadline.cli.finding import Finding
    from threadline.cli.session import Session

_NAME_WIDTH: Final = 20
_WIDEST: Final = 100


@click.command("doctor")
@json_option
@store_option
@pass_session
def doctor(session: Session, *, as_json: bool) -> None:
    """Check the installation, the store and the settings; exit 1 if something is broken."""
    findings = find_out(session)
    if as_json:
        for finding in findings:
            session.json_line(msgspec.structs.asdict(finding))
    else:
        _draw(session, findings)
    if any(finding.tone == "bad" for finding in findings):
        raise click.exceptions.Exit(1)


def _draw(session: Session, findings: list[Finding]) -> None:
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            if topic:
                session.line()
            topic = finding.topic
            session.line((topic, "strong"))
        sign = tone_sign(finding.tone)
        name = padded(finding.name, width=_NAME_WIDTH)
        value = one_line(finding.value, width=1000)
        session.line((f"  {sign} ", finding.tone), (f"{name} ", "dim"), (value, "plain"))
        width = min(session.width, _WIDEST) - _NAME_WIDTH - 5
        for line in wrapped(one_line(finding.note, width=1000), width=width):
            if line:
                style = "dim" if finding.tone in {"good", "quiet"} else finding.tone
                session.line((" " * (_NAME_WIDTH + 5) + line, style))
