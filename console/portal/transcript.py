"""The page of a chat's transcript, reached by the signed link in a mail."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from console.chat import mails as chat_mails
from console.portal.private_pages import note_proof, or_gone, speaking
from console.web.answers import local_time, wants_json
from console.web.security import keep_private

blueprint = Blueprint("transcript", __name__)
blueprint.after_request(keep_private)


@blueprint.get("/chat/transcript/<secret:token>")
@or_gone("requester/gone.html")
def show(token: str) -> ResponseReturnValue:
    """Show the conversation."""
    chat = chat_mails.chat_behind(token)
    with speaking(chat.language):
        note_proof(chat.email)
        lines = chat_mails.lines(chat)
        if wants_json():
            said = [
                {"from": "us" if one["ours"] else "you", "body": one["body"], "at": local_time(one["at"])}
                for one in lines
            ]
            return jsonify(number=chat.number, messages=said)
        return render_template("requester/transcript.html", chat=chat, lines=lines)
